import { clean, closestName, oneOf, suggestion } from '../errors/index.js'
import { isObjectPrototype } from '../util/objects.js'

/** A numeral of a text file, as it was written: `0.10` stays `0.10` and never becomes a float. */
export class Numeral {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A position in a document: keys and indices from the root. */
export type Path = readonly (string | number)[]

/** A fault of a document, as a sentence that says how to fix it. */
export interface Issue {
  readonly path: Path
  readonly message: string
}

/** The state of reading a document: the faults so far, and the symbol that may follow an amount. */
export interface Reading {
  readonly issues: Issue[]
  readonly symbol: string
}

/** A piece of JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The definition of a value in a document. It is the parser and the JSON Schema of the value. */
export interface Shape<T> {
  /** Parses a value. Undefined if it is wrong; an issue then says why. */
  read(value: unknown, path: Path, reading: Reading): T | undefined
  schema(): JsonSchema
}

export type Value<S> = S extends Shape<infer T> ? T : never

export type Fields = Readonly<Record<string, Shape<unknown>>>
type Values<F extends Fields, Needed extends keyof F> = {
  readonly [K in keyof F as K extends Needed ? K : never]: Value<F[K]>
} & { readonly [K in keyof F as K extends Needed ? never : K]?: Value<F[K]> }

/**
 * A scalar.
 *
 * @param expects - The end of the sentence "… is not …". It says how to fix the value.
 * @param parse - Returns undefined for a wrong value.
 */
export function scalar<T>(
  expects: string,
  schema: JsonSchema,
  parse: (value: unknown, reading: Reading) => T | undefined,
): Shape<T> {
  return {
    read: (value, path, reading) => {
      const parsed = parse(value, reading)
      if (parsed === undefined) complain(reading, path, `${show(value)} is not ${expects}`)
      return parsed
    },
    schema: () => ({ description: expects, ...schema }),
  }
}

export function text<T = string>(
  expects: string,
  parse: (value: string, reading: Reading) => T | undefined,
  schema: JsonSchema = {},
): Shape<T> {
  return scalar(expects, { type: 'string', ...schema }, (value, reading) => {
    // In a text file, a name or an address of digits only is parsed as a numeral.
    const written = value instanceof Numeral ? value.text : value
    return typeof written === 'string' ? parse(written, reading) : undefined
  })
}

export function choice<const W extends string>(...words: readonly W[]): Shape<W> {
  return {
    read: (value, path, reading) => {
      const word = words.find((one) => one === value)
      if (word === undefined)
        complain(reading, path, `${show(value)} is not ${oneOf(words)}${meant(value, words)}`)
      return word
    },
    schema: () => ({ enum: words }),
  }
}

export const yes: Shape<true> = scalar(
  "true: leave the key out if it isn't meant",
  { const: true },
  (value) => (value === true ? true : undefined),
)

export const flag: Shape<boolean> = scalar('true or false', { type: 'boolean' }, (value) =>
  typeof value === 'boolean' ? value : undefined,
)

/** A whole number in a range. Counts are numbers; amounts never are. */
export function whole(least: number, most: number): Shape<number> {
  const schema = { type: 'integer', minimum: least, maximum: most }
  return scalar(`a whole number from ${least} to ${most}`, schema, (value) => {
    const number = value instanceof Numeral && /^\d{1,15}$/.test(value.text) ? Number(value.text) : value
    return typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most
      ? number
      : undefined
  })
}

export function list<T>(of: Shape<T>, expects: string, least: 0 | 1): Shape<readonly T[]> {
  return {
    read: (value, path, reading) => {
      if (!Array.isArray(value)) return complain(reading, path, `${show(value)} is not a list of ${expects}`)
      if (value.length < least) {
        const mend = `name at least one, or leave the key out`
        return complain(reading, path, `an empty list of ${expects} allows nothing: ${mend}`)
      }
      return value.flatMap((item: unknown, index) => {
        const read = of.read(item, [...path, index], reading)
        return read === undefined ? [] : [read]
      })
    },
    schema: () => ({ type: 'array', items: of.schema(), ...(least === 0 ? {} : { minItems: least }) }),
  }
}

/** A map from the user's own names to values of one shape. */
export function map<T>(of: Shape<T>, expects: string): Shape<Readonly<Record<string, T>>> {
  return {
    read: (value, path, reading) => {
      if (!isPlain(value)) return complain(reading, path, `${show(value)} is not a map of ${expects}`)
      const entries = Object.entries(value).flatMap(([key, item]) => {
        const read = of.read(item, [...path, key], reading)
        return read === undefined ? [] : [[key, read] as const]
      })
      return Object.fromEntries(entries)
    },
    schema: () => ({ type: 'object', additionalProperties: of.schema() }),
  }
}

/** A map with known keys. Other keys are refused, because a mistyped rule would not be enforced. */
export function record<const F extends Fields, const N extends keyof F & string = never>(
  fields: F,
  needed: readonly N[] = [],
): Shape<Values<F, N>> {
  return {
    read: (value, path, reading) => {
      if (!isPlain(value)) {
        return complain(reading, path, `${show(value)} is not a map of ${oneOf(Object.keys(fields))}`)
      }
      const before = reading.issues.length
      for (const key of needed) {
        if (!Object.hasOwn(value, key)) complain(reading, [...path, key], 'is missing: add it')
      }
      const read: Record<string, unknown> = {}
      for (const [key, item] of Object.entries(value)) {
        const shape = Object.hasOwn(fields, key) ? fields[key] : undefined
        if (shape === undefined) complain(reading, [...path, key], unknownKey(key, Object.keys(fields)))
        else if (item === undefined || item === null)
          complain(reading, [...path, key], 'has no value: give it one, or leave the key out')
        else read[key] = shape.read(item, [...path, key], reading)
      }
      const sound = (record: unknown): record is Values<F, N> =>
        record === read && reading.issues.length === before
      // A missing rule must read as absent, even if Object.prototype is polluted.
      Object.setPrototypeOf(read, null)
      return sound(read) ? read : undefined
    },
    schema: () => ({
      type: 'object',
      properties: Object.fromEntries(Object.entries(fields).map(([key, shape]) => [key, shape.schema()])),
      additionalProperties: false,
      ...(needed.length === 0 ? {} : { required: needed }),
    }),
  }
}

/** Adds an issue. Returns undefined, so that a parser can add an issue and stop in one step. */
export function complain(reading: Reading, path: Path, message: string): undefined {
  reading.issues.push({ path, message })
}

/** Formats a path: `vendors[2].origin`. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[\w*]+$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(clean(step, 60))}]`
  }
  return text === '' ? 'the document' : text
}

export function show(value: unknown): string {
  if (value instanceof Numeral) return clean(value.text, 60)
  if (typeof value === 'string') return JSON.stringify(clean(value, 60))
  if (typeof value === 'number') return `the number ${value}`
  if (Array.isArray(value)) return 'a list'
  return value !== null && typeof value === 'object' ? 'a map' : String(value)
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || isObjectPrototype(prototype)
}

function unknownKey(key: string, known: readonly string[]): string {
  return `is not a key that is known here${suggestion(key, known)}`
}

function meant(value: unknown, words: readonly string[]): string {
  const guess = typeof value === 'string' ? closestName(value, words) : undefined
  return guess === undefined ? '' : `: did you mean ${guess}?`
}
