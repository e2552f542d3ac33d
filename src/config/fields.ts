import { dirname, resolve } from 'node:path'
import { oneOf } from '../errors/index.js'
import type { Rates } from '../money/index.js'
import { type Preference, parseAcceptPayment } from '../protocol/index.js'
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

/** Any non-empty text. */
export const text: Field<string> = (value, { name }) => {
  if (typeof value !== 'string' || value.trim() === '') throw invalid(`${name} must be a text`)
  return value
}

/** The path of a file. In a settings file, it is relative to that file. */
export const path: Field<string> = (value, origin) => {
  const given = text(value, origin)
  return origin.file === undefined ? given : resolve(dirname(origin.file), given)
}

/** Creates a field for texts that match a pattern. */
export function matching(form: RegExp, what: string): Field<string> {
  return (value, { name }) => {
    if (typeof value !== 'string' || !form.test(value)) throw invalid(`${name} must be ${what}`)
    return value
  }
}

/** Creates a field for an address of twenty bytes. */
export function address(what: string): Field<`0x${string}`> {
  const read = matching(/^0x[0-9a-fA-F]{40}$/, what)
  return (value, origin) => `0x${read(value, origin).slice(2)}`
}

/** Creates a field for one of a few words. */
export function choice<const Word extends string>(...words: readonly Word[]): Field<Word> {
  return (value, { name }) => {
    const word = words.find((one) => one === value)
    if (word === undefined) throw invalid(`${name} must be ${oneOf(words)}`)
    return word
  }
}

/** Yes or no: `true` and `false` in a file, `1` and `0` in a variable. */
export const flag: Field<boolean> = (value, { name }) => {
  if (value === true || value === '1' || value === 'true') return true
  if (value === false || value === '0' || value === 'false') return false
  throw invalid(`${name} must be 1 or 0`)
}

/** A whole number within JavaScript's safe integers. */
export const whole: Field<number> = (value, { name }) => {
  if (typeof value !== 'string' || !/^(?:0|[1-9][0-9]{0,14})$/.test(value))
    throw invalid(`${name} must be a whole number`)
  return Number(value)
}

/** A fraction, such as `0.5`. */
export const share: Field<number> = (value, { name }) => {
  if (typeof value !== 'string' || !/^(?:1|0\.[0-9]{1,6})$/.test(value))
    throw invalid(`${name} must be shares above 0 and up to 1, for example 0.5,0.8`)
  return Number(value)
}

/** A whole number of any size. */
export const big: Field<bigint> = (value, { name }) => {
  if (typeof value !== 'string' || !/^(?:0|[1-9][0-9]{0,38})$/.test(value))
    throw invalid(`${name} must be a whole number`)
  return BigInt(value)
}

/** Creates a field for several values: a list in a file, separated by commas in a variable. */
export function list<T>(one: Field<T>): Field<readonly T[]> {
  return (value, origin) => {
    const parts: unknown = typeof value === 'string' ? pieces(value) : value
    if (!Array.isArray(parts) || parts.length === 0)
      throw invalid(`${origin.name} must be a list with at least one entry`)
    return parts.map((part: unknown) => one(part, origin))
  }
}

/** Reads values by name: a mapping in a file, `name=value,name=value` in a variable. */
function pairs(value: unknown, fail: () => Error): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'string') {
    if (!isMapping(value)) throw fail()
    return Object.entries(value)
  }
  return pieces(value).map((piece) => {
    const [, name, rest] = /^([^=\s]+)=(\S+)$/.exec(piece) ?? []
    if (name === undefined || rest === undefined) throw fail()
    return [name, rest]
  })
}

/** Nodes by chain. Several nodes: the same chain twice, or a list. */
export const nodes: Field<Readonly<Record<number, readonly string[]>>> = (value, { name }) => {
  const fail = () => invalid(`${name} must be a list like 4217=https://rpc.example,42431=https://rpc.example`)
  const urls: Record<number, string[]> = {}
  for (const [chain, given] of pairs(value, fail)) {
    for (const url of Array.isArray(given) ? given : [given]) {
      if (typeof url !== 'string' || !URL.canParse(url)) throw fail()
      const id = chainOf(chain, fail)
      urls[id] = [...(urls[id] ?? []), url]
    }
  }
  return urls
}

/** The address of one token per chain. */
export const tokens: Field<Readonly<Record<number, string>>> = (value, { name }) => {
  const fail = () => invalid(`${name} must be a list like 4217=0x20c0…: one token for each chain`)
  const found: Record<number, string> = {}
  for (const [chain, token] of pairs(value, fail)) {
    if (typeof token !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(token)) throw fail()
    found[chainOf(chain, fail)] = token
  }
  return found
}

function chainOf(text: string, fail: () => Error): number {
  if (!/^[1-9][0-9]{0,15}$/.test(text)) throw fail()
  return Number(text)
}

/** The highest values of currencies. Purser checks later that each is a valid rate. */
export const rates: Field<Rates> = (value, { name }) => {
  const fail = () => invalid(`${name} must be a list like EUR=1.12,eip155:8453/slip44:60=4000`)
  const found: Record<string, string> = {}
  for (const [currency, most] of pairs(value, fail)) {
    if (typeof most !== 'string' || Object.hasOwn(found, currency)) throw fail()
    found[currency] = most
  }
  return found
}

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

/** The signing domains of tokens, by the id of their currency. Possible in a file only. */
export const domains: Field<Readonly<Record<string, { readonly name: string; readonly version: string }>>> = (
  value,
  { name },
) => {
  const fail = () => invalid(`${name} must be a mapping like { "eip155:1/erc20:0x…": { name, version } }`)
  if (!isMapping(value)) throw fail()
  return Object.fromEntries(
    Object.entries(value).map(([id, domain]) => {
      if (!isMapping(domain)) throw fail()
      const { name: called, version } = domain
      if (typeof called !== 'string' || typeof version !== 'string') throw fail()
      return [id, { name: called, version }]
    }),
  )
}

/** Currencies: the path of a JSON file, or in a settings file the list itself. */
export const currencies: Field<string | readonly unknown[]> = (value, origin) =>
  Array.isArray(value) ? value.map(withDecimals) : path(value, origin)

/** Decimals are small numbers, so a `number` holds them exactly. */
function withDecimals(entry: unknown): unknown {
  const { decimals }: { readonly decimals?: unknown } = Object(entry)
  const isNumber = typeof decimals === 'string' && /^[0-9]{1,3}$/.test(decimals)
  return isMapping(entry) && isNumber ? { ...entry, decimals: Number(decimals) } : entry
}

/** Tells whether a value is a mapping of a file. The reader creates mappings without a prototype. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function pieces(text: string): readonly string[] {
  return text
    .split(',')
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')
}
