import { isObject } from '../util/objects.js'
import { amountText, isAmount, readAmount } from './amounts.js'
import { damaged } from './ledger-error.js'

/** The first character of the text of a bigint or an amount. Other texts that start with it get a second one. */
const MARK = '#'

/** Encodes a value as JSON, with bigints and amounts as `"#…"`. */
export function encode(value: object): string {
  return JSON.stringify(pack(value))
}

export function decode(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return unpack(value)
  } catch {
    throw damaged()
  }
}

/** Copies only objects that contain values that JSON cannot represent. This runs three times in every payment. */
function pack(value: unknown): unknown {
  if (typeof value === 'bigint') return `${MARK}${value}`
  if (typeof value === 'string') return value.startsWith(MARK) ? `${MARK}${value}` : value
  if (Array.isArray(value)) return packList(value)
  if (!isObject(value)) return value
  const text = isAmount(value) ? amountText(value) : undefined
  return text === undefined ? packRecord(value) : `${MARK}${text}`
}

function packRecord(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let packed: Record<string, unknown> | undefined
  for (const key of Object.keys(value)) {
    const item = value[key]
    const text = pack(item)
    if (text === item) continue
    packed ??= { ...value }
    packed[key] = text
  }
  return packed ?? value
}

function packList(list: readonly unknown[]): readonly unknown[] {
  let packed: unknown[] | undefined
  for (const [index, item] of list.entries()) {
    const text = pack(item)
    if (text === item) continue
    packed ??= [...list]
    packed[index] = text
  }
  return packed ?? list
}

/** Decodes parsed JSON in place. No other code uses the new object yet, so it can be changed. */
function unpack(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(MARK) ? unpackText(value.slice(MARK.length)) : value
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) value[index] = unpack(item)
    return value
  }
  if (!isObject(value)) return value
  // `JSON.parse` makes `__proto__` an own property, and so do copies by spread. So this assignment sets no prototype.
  for (const key of Object.keys(value)) value[key] = unpack(value[key])
  // A property that was not stored must be absent, even if some code has set it on Object.prototype.
  Object.setPrototypeOf(value, null)
  return value
}

function unpackText(text: string): unknown {
  if (text.startsWith(MARK)) return text
  return text.includes(' ') ? readAmount(text) : BigInt(text)
}
