import { damaged } from '../ledger-error.js'
import type { StoreRange } from './port.js'

/** More digits than any safe integer has. */
const DIGITS = 16

/**
 * Returns a key of several parts. Texts are escaped, so that one part cannot look like two. Numbers sort in numeric
 * order.
 */
export function keyOf(table: string, ...parts: readonly (string | number)[]): string {
  return [table, ...parts.map(partOf)].join('|')
}

/** Returns the prefix of all keys that have these first parts and at least one more. */
export function prefixOf(table: string, ...parts: readonly (string | number)[]): string {
  return `${keyOf(table, ...parts)}|`
}

/** Returns the first key after all keys with this prefix. `}` follows `|`, and no part contains either of them. */
export function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}}`
}

/** Returns the range of all keys with that prefix. */
export function rangeOf(prefix: string, limit: number, order: StoreRange['order'] = 'ascending'): StoreRange {
  return { from: prefix, to: endOf(prefix), order, limit }
}

/** Returns the number at the end of a key. */
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
