import { isObject } from '../../util/objects.js'
import type { Gap } from '../gaps.js'
import { decode, encode } from '../json.js'
import { damaged } from '../ledger-error.js'
import { type Fields, optionalText } from './codec.js'

const NONE: readonly Gap[] = []

export function gapsText(gaps: readonly Gap[]): string | null {
  return gaps.length === 0 ? null : encode(gaps)
}

export function gapsOf(row: Fields): readonly Gap[] {
  const text = optionalText(row, 'gaps')
  if (text === undefined) return NONE
  const gaps = decode(text)
  if (!Array.isArray(gaps) || !gaps.every(isGap)) throw damaged()
  return gaps
}

function isGap(value: unknown): value is Gap {
  if (!isObject(value)) return false
  const { since, cause, confirmed } = value
  const named = cause === 'log_lost' || cause === 'older_copy' || cause === 'backup'
  return typeof since === 'number' && named && (confirmed === undefined || isConfirmed(confirmed))
}

function isConfirmed(value: unknown): boolean {
  if (!isObject(value)) return false
  const { at, by, unit, spent, deposits, payments } = value
  const units = [spent, deposits].every((each) => each === undefined || typeof each === 'bigint')
  const counted = payments === undefined || typeof payments === 'number'
  return typeof at === 'number' && typeof by === 'string' && typeof unit === 'string' && units && counted
}
