import { dirname, resolve } from 'node:path'
import * as z from 'zod/mini'
import { oneOf } from '../errors/index.js'
import type { Rates } from '../money/index.js'
import { type Preference, parseAcceptPayment } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import { invalid } from './invalid.js'

/**
 * The origin of a setting: its name in errors, and the settings file, to which its paths are relative, if it is in one.
 */
export interface Origin {
  readonly name: string
  readonly file?: string
}

/**
 * Reads one setting: the text of a variable, or the value in the file. Numbers of a file are texts, as they were
 * written.
 *
 * @throws PaymentError `invalid_config` that begins with the setting's name. It never quotes the value.
 */
export type Field<T> = (value: unknown, origin: Origin) => T

/** Creates a field from a schema. `what` completes the sentence "… must be". */
function field<T>(schema: z.ZodMiniType<T>, what: string): Field<T> {
  return (value, { name }) => {
    const result = z.safeParse(schema, value)
    if (!result.success) throw invalid(`${name} must be ${what}`)
    return result.data
  }
}

const form = (pattern: RegExp) => z.string().check(z.regex(pattern))
const read = <T>(pattern: RegExp, as: (written: string) => T) => z.pipe(form(pattern), z.transform(as))
const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** Any non-empty text. */
export const text: Field<string> = field(form(/\S/), 'a text')

/** The path of a file. In a settings file, it is relative to that file. */
export const path: Field<string> = (value, origin) => {
  const given = text(value, origin)
  return origin.file === undefined ? given : resolve(dirname(origin.file), given)
}

/** Creates a field for texts that match a pattern. */
export function matching(pattern: RegExp, what: string): Field<string> {
  return field(form(pattern), what)
}

/** Creates a field for an address of twenty bytes. */
export function address(what: string): Field<`0x${string}`> {
  return field(
    read(ADDRESS, (written): `0x${string}` => `0x${written.slice(2)}`),
    what,
  )
}

/** Creates a field for one of a few words. */
export function choice<const Word extends string>(...words: readonly Word[]): Field<Word> {
  return field(z.literal(words), oneOf(words))
}

/** Yes or no: `true` and `false` in a file, `1` and `0` in a variable. */
export const flag: Field<boolean> = field(
  z.union([z.boolean(), read(/^(?:0|1|true|false)$/, (written) => written === '1' || written === 'true')]),
  '1 or 0',
)

/** A whole number within JavaScript's safe integers. */
export const whole: Field<number> = field(read(/^(?:0|[1-9][0-9]{0,14})$/, Number), 'a whole number')

/** A fraction, such as `0.5`. */
export const share: Field<number> = field(
  read(/^(?:1|0\.[0-9]{1,6})$/, Number),
  'shares above 0 and up to 1, for example 0.5,0.8',
)

/** A whole number of any size. */
export const big: Field<bigint> = field(read(/^(?:0|[1-9][0-9]{0,38})$/, BigInt), 'a whole number')

/** Creates a field for several values: a list in a file, separated by commas in a variable. */
export function list<T>(one: Field<T>): Field<readonly T[]> {
  return (value, origin) => {
    const parts: unknown = typeof value === 'string' ? pieces(value) : value
    if (!Array.isArray(parts) || parts.length === 0)
      throw invalid(`${origin.name} must be a list with at least one entry`)
    return parts.map((part: unknown) => one(part, origin))
  }
}

/** Values by name: a mapping in a file, `name=value,name=value` in a variable. */
const pairs = z.transform((value): unknown => {
  if (typeof value !== 'string') return isObject(value) ? Object.entries(value) : undefined
  return pieces(value).map((piece) => /^([^=\s]+)=(\S+)$/.exec(piece)?.slice(1))
})

const chain = read(/^[1-9][0-9]{0,15}$/, Number)
const url = z.string().check(z.refine((written) => URL.canParse(written)))
const urls = z.union([
  z.array(url),
  z.pipe(
    url,
    z.transform((one: string) => [one]),
  ),
])
const byName = <K, V>(name: z.ZodMiniType<K>, value: z.ZodMiniType<V>) =>
  z.pipe(pairs, z.array(z.tuple([name, value])))

/** Nodes by chain. Several nodes: the same chain twice, or a list. */
export const nodes: Field<Readonly<Record<number, readonly string[]>>> = field(
  z.pipe(
    byName(chain, urls),
    z.transform((given: [number, string[]][]) => {
      const found: Record<number, readonly string[]> = {}
      for (const [id, more] of given) if (more.length > 0) found[id] = [...(found[id] ?? []), ...more]
      return found
    }),
  ),
  'a list like 4217=https://rpc.example,42431=https://rpc.example',
)

/** The address of one token for each chain. */
export const tokens: Field<Readonly<Record<number, string>>> = field(
  z.pipe(
    byName(chain, form(ADDRESS)),
    z.transform((given: [number, string][]) => Object.fromEntries(given)),
  ),
  'a list like 4217=0x20c0…: one token for each chain',
)

/** The most that each currency is worth. The code that uses a rate checks its form. */
export const rates: Field<Rates> = field(
  z.pipe(
    byName(z.string(), z.string()).check(
      z.refine((all) => new Set(all.map(([id]) => id)).size === all.length),
    ),
    z.transform((given: [string, string][]) => Object.fromEntries(given)),
  ),
  'a list like EUR=1.12,eip155:8453/slip44:60=4000',
)

/** Preferences between ways to pay, best first, in the form of `Accept-Payment`: `tempo/*`, `stripe/charge;q=0.5`. */
export const preferences: Field<readonly Preference[]> = (value, { name }) => {
  const fail = () => invalid(`${name} must be a list like tempo/*,x402/exact,stripe/charge;q=0.5`)
  const entries: readonly unknown[] = Array.isArray(value) ? value : [value]
  return entries.flatMap((entry) => {
    const read = typeof entry === 'string' ? parseAcceptPayment(entry) : undefined
    if (read === undefined) throw fail()
    return read
  })
}

/** The signing domain of a token, under its currency's id: only in a file. */
export const domains: Field<Readonly<Record<string, { readonly name: string; readonly version: string }>>> =
  field(
    z.record(z.string(), z.object({ name: z.string(), version: z.string() })),
    'a mapping like { "eip155:1/erc20:0x…": { name, version } }',
  )

const on = z.optional(z.array(z.string()))
const target = z.union([
  z.strictObject({ url, secretFile: z.string(), mayAnswer: z.optional(z.boolean()), on }),
  z.strictObject({ command: z.array(z.string()), on }),
  z.strictObject({ ntfy: url, tokenFile: z.optional(z.string()), on }),
  z.strictObject({ slack: z.strictObject({ urlFile: z.string() }), on }),
  z.strictObject({
    telegram: z.strictObject({ tokenFile: z.string(), chat: z.string(), api: z.optional(url) }),
    on,
  }),
])
const targets = z.array(target).check(z.maxLength(16))

/** One target of `notify`. Its secrets are in files. */
export type NotifySetting = z.infer<typeof target>

/** Where messages to people go: only in a file. The second value is the folder of the file, for the paths in it. */
export const notify: Field<{ readonly targets: readonly NotifySetting[]; readonly folder: string }> = (
  value,
  origin,
) => {
  const result = z.safeParse(targets, value)
  if (!result.success || origin.file === undefined)
    throw invalid(
      `${origin.name} must be a list in the settings file, of { url, secretFile }, { command }, { ntfy }, { slack: { urlFile } } or { telegram: { tokenFile, chat } }`,
    )
  return { targets: result.data, folder: dirname(origin.file) }
}

/** Currencies: the path of a JSON file, or in a settings file the list itself. */
export const currencies: Field<string | readonly unknown[]> = (value, origin) =>
  Array.isArray(value) ? value.map(withDecimals) : path(value, origin)

/** Decimals are small numbers, so a `number` holds them exactly. */
function withDecimals(entry: unknown): unknown {
  const { decimals }: { readonly decimals?: unknown } = Object(entry)
  const isNumber = typeof decimals === 'string' && /^[0-9]{1,3}$/.test(decimals)
  return isObject(entry) && isNumber ? { ...entry, decimals: Number(decimals) } : entry
}

function pieces(text: string): readonly string[] {
  return text
    .split(',')
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')
}
