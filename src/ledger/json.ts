import { isObject } from '../util/objects.js'
import { amountText, isAmount, readAmount } from './amounts.js'
import { damaged } from './ledger-error.js'

/** What a bigint or an amount begins with as a text. Other texts that begin so get a second one. */
const MARK = '#'

/** JSON, with bigints and amounts as `"#…"`. */
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

/** Copies only what holds something that JSON cannot: this runs three times in every payment. */
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

/** What was just read belongs to nobody yet, and is changed where it lies. */
function unpack(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(MARK) ? unpackText(value.slice(MARK.length)) : value
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) value[index] = unpack(item)
    return value
  }
  if (!isObject(value)) return value
  // `JSON.parse` makes `__proto__` an own property, and so do copies by spread: assigning to it sets no prototype.
  for (const key of Object.keys(value)) value[key] = unpack(value[key])
  // What was not stored is absent, whatever somebody put on Object.prototype.
  Object.setPrototypeOf(value, null)
  return value
}

function unpackText(text: string): unknown {
  if (text.startsWith(MARK)) return text
  return text.includes(' ') ? readAmount(text) : BigInt(text)
}
