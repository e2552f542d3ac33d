import type { PaymentState } from '../port.js'
import type { Row } from '../row.js'
import { ledgerError } from './failures.js'

/** What may change after the hold; the rest of a row is written once per hold. */
const MOVING = [
  'attempts',
  'receipts',
  'burnt',
  'pinned',
  'spent',
  'fee',
  'proof',
  'reference',
  'because',
  'delivered',
  'reportedAt',
  'updatedAt',
  'recheckAt',
  'adopted',
] as const

export type Body = Pick<Row, (typeof MOVING)[number]>
export type Core = Omit<Row, (typeof MOVING)[number] | 'state' | 'owner'>

export function coreText(row: Row): string {
  const { state: _s, owner: _o, ...core } = row
  const { attempts: _a, receipts: _r, burnt: _b, pinned: _p, spent: _sp, fee: _f, proof: _pr, ...rest } = core
  const { reference: _re, because: _be, delivered: _d, reportedAt: _ra, updatedAt: _u, ...more } = rest
  const { recheckAt: _rc, adopted: _ad, ...kept } = more
  return encode(kept)
}

export function bodyText(row: Row): string {
  const { attempts, receipts, burnt, pinned, spent, fee, proof, reference, because, delivered } = row
  const { reportedAt, updatedAt, recheckAt, adopted } = row
  const fixed = { attempts, receipts, burnt, pinned, delivered, updatedAt }
  return encode({ ...fixed, spent, fee, proof, reference, because, reportedAt, recheckAt, adopted })
}

export function readCore(text: string): Core {
  const value = decode(text)
  if (!isCore(value)) throw damaged()
  return value
}

export function readBody(text: string): Body {
  const value = decode(text)
  if (!isBody(value)) throw damaged()
  return value
}

export function rowFrom(core: Core, body: Body, state: PaymentState, owner: string | undefined): Row {
  return owner === undefined ? { ...core, ...body, state } : { ...core, ...body, state, owner }
}

export function damaged(): Error {
  return ledgerError('ledger_corrupt', 'The ledger is damaged: a row cannot be read')
}

/** JSON, with bigints as `{"$n":"…"}`. Other names that begin with a dollar get a second one. */
export function encode(value: unknown): string {
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

/** A name that is no name: a server's receipt may hold it, and no object of ours may. */
const PROTO = '__proto__'

function pack(value: unknown): unknown {
  if (typeof value === 'bigint') return { $n: value.toString() }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(pack)
  const packed: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value))
    if (item !== undefined && key !== PROTO) packed[key.startsWith('$') ? `$${key}` : key] = pack(item)
  return packed
}

function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(unpack)
  if ('$n' in value && typeof value.$n === 'string') return BigInt(value.$n)
  const unpacked: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value))
    if (key !== PROTO) unpacked[key.startsWith('$') ? key.slice(1) : key] = unpack(item)
  return unpacked
}

// The file is the ledger's own, and nobody else's to write (mode 0600): a few fields tell a damaged row from a sound one.
function isCore(value: unknown): value is Core {
  return (
    has(value, 'id', isText) &&
    has(value, 'fingerprint', isText) &&
    has(value, 'charges', Array.isArray) &&
    has(value, 'lanes', Array.isArray) &&
    has(value, 'createdAt', isNumber)
  )
}

function isBody(value: unknown): value is Body {
  return (
    has(value, 'attempts', Array.isArray) &&
    has(value, 'receipts', Array.isArray) &&
    has(value, 'updatedAt', isNumber) &&
    has(value, 'burnt', (burnt) => typeof burnt === 'bigint')
  )
}

function has(value: unknown, name: string, is: (item: unknown) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return false
  return is(Reflect.get(value, name))
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isNumber = (value: unknown): boolean => typeof value === 'number'

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

const STATES: ReadonlyMap<string, PaymentState> = new Map(
  (['denied', 'held', 'committed', 'settled', 'released'] as const).map((state) => [state, state]),
)

export function stateOf(row: Fields): PaymentState {
  const state = STATES.get(textOf(row, 'state'))
  if (state === undefined) throw damaged()
  return state
}
