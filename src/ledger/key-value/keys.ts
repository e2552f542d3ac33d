import { damaged } from '../ledger-error.js'
import type { StoreRange } from './port.js'

/** More digits than any safe integer has. */
const DIGITS = 16

/** A key of several parts. Texts are escaped, so that no part can look like two; numbers are in numeric order. */
export function keyOf(table: string, ...parts: readonly (string | number)[]): string {
  return [table, ...parts.map(partOf)].join('|')
}

/** What all keys begin with that have these first parts and at least one more. */
export function prefixOf(table: string, ...parts: readonly (string | number)[]): string {
  return `${keyOf(table, ...parts)}|`
}

/** The first key after all that begin with this prefix: `}` follows `|`, and no part has either of them. */
export function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}}`
}

/** All keys with that prefix. */
export function rangeOf(prefix: string, limit: number, order: StoreRange['order'] = 'ascending'): StoreRange {
  return { from: prefix, to: endOf(prefix), order, limit }
}

/** The number that a key ends with. */
export function lastNumber(key: string): number {
  const number = Number(key.slice(key.lastIndexOf('|') + 1))
  if (!Number.isSafeInteger(number)) throw damaged()
  return number
}

function partOf(part: string | number): string {
  if (typeof part === 'string')
    return part.replace(/[^!-z]|%/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `${Math.max(0, Math.floor(part))}`.padStart(DIGITS, '0')
}
