import { isObject } from '../../util/objects.js'
import { type ClockRecord, NO_RECORD } from '../clock-jumps.js'
import { decode, encode } from '../json.js'
import { damaged } from '../ledger-error.js'
import { type Fields, textOf } from './codec.js'

export function clockText(clock: ClockRecord): string {
  return encode(clock)
}

export function clockOf(row: Fields): ClockRecord {
  const value = decode(textOf(row, 'clock'))
  if (!isClockRecord(value)) throw damaged()
  const { unseen, lowered, booted } = value
  return unseen.length === 0 && lowered === 0 && booted === undefined ? NO_RECORD : value
}

function isClockRecord(value: unknown): value is ClockRecord {
  if (!isObject(value)) return false
  const { unseen, lowered, booted } = value
  return (
    Array.isArray(unseen) &&
    unseen.every(
      (one) => isObject(one) && typeof one['from'] === 'number' && typeof one['to'] === 'number',
    ) &&
    typeof lowered === 'number' &&
    (booted === undefined || typeof booted === 'number')
  )
}
