import type { Channel } from '../channel.js'
import { damaged } from '../ledger-error.js'
import type { PaymentState } from '../port.js'
import { has, isNumber, isText } from '../row-codec.js'

export function isChannelRecord(value: unknown): value is Channel {
  return (
    has(value, 'lane', isText) &&
    has(value, 'slot', isText) &&
    has(value, 'state', isText) &&
    has(value, 'deposit', (deposit) => has(deposit, 'value', (units) => typeof units === 'bigint')) &&
    has(value, 'funding', Array.isArray) &&
    has(value, 'rev', isNumber)
  )
}

/** One result row of SQLite. */
export type Fields = Readonly<Record<string, unknown>>

export function fields(value: unknown): Fields | undefined {
  return isFields(value) ? value : undefined
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

export function textOf(row: Fields, name: string): string {
  const value = row[name]
  if (typeof value !== 'string') throw damaged()
  return value
}

export function optionalText(row: Fields, name: string): string | undefined {
  return row[name] === null ? undefined : textOf(row, name)
}

export function numberOf(row: Fields, name: string): number {
  const value = row[name]
  if (typeof value !== 'number') throw damaged()
  return value
}

export function optionalNumber(row: Fields, name: string): number | undefined {
  return row[name] === null ? undefined : numberOf(row, name)
}

const STATES: ReadonlyMap<string, PaymentState> = new Map(
  (['denied', 'held', 'committed', 'settled', 'released'] as const).map((state) => [state, state]),
)

export function stateOf(row: Fields): PaymentState {
  const state = STATES.get(textOf(row, 'state'))
  if (state === undefined) throw damaged()
  return state
}
