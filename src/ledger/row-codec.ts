import type { Instant } from '../money/index.js'
import type { Terms } from '../policy/index.js'
import type { ApprovalRow } from './approval.js'
import { decode, encode } from './json.js'
import { damaged } from './ledger-error.js'
import type { Charge, Counted, PaymentRow } from './payment-row.js'
import type { Attempt, PaymentState } from './port.js'

/** The fields that may change after the hold. The rest of a row is written once per hold. */
const MOVING = [
  'attempts',
  'receipts',
  'burnt',
  'pinned',
  'widened',
  'spent',
  'fee',
  'proof',
  'reference',
  'reason',
  'times',
  'delivered',
  'reportedAt',
  'updatedAt',
  'recheckAt',
  'takenOver',
  'signed',
  'unlocked',
  'rejection',
  'repeatable',
] as const

type Body = Pick<PaymentRow, (typeof MOVING)[number]>
export type Core = Omit<PaymentRow, (typeof MOVING)[number] | 'state' | 'owner'>

/**
 * Maps counters to numbers. Charges use the numbers, because the keys are long and each key is in thousands of
 * payments.
 */
export interface CounterNames {
  numberOf(key: string): number
  keyOf(n: number): string
}

/** `[counter, counted kind, 1 if it belongs to one payee, at, amount]` */
type StoredCount = readonly [number, Counted['counts'], 0 | 1, Instant, bigint]

function packCharge(charge: Charge, names: CounterNames): StoredCharge {
  const { counted, dimensions, units, price, lock, at: authorized } = charge
  const counts = counted.map(
    ({ key, counts, payee, at, amount }): StoredCount => [
      names.numberOf(key),
      counts,
      payee ? 1 : 0,
      at,
      amount,
    ],
  )
  return { dimensions, units, price, lock, at: authorized, counts }
}

function unpackCharge({ counts, ...rest }: StoredCharge, names: CounterNames): Charge {
  const counted = counts.map(
    ([n, what, payee, at, amount]): Counted => ({
      key: names.keyOf(n),
      counts: what,
      payee: payee === 1,
      at,
      amount,
    }),
  )
  return { ...rest, counted }
}

type StoredCharge = Omit<Charge, 'counted'> & { readonly counts: readonly StoredCount[] }
type StoredCore = Omit<Core, 'charges'> & { readonly charges: readonly StoredCharge[] }
/** A stored attempt. It omits its terms if they are the payment's own terms. */
type StoredAttempt = Omit<Attempt, 'terms'> & { readonly terms?: Terms }
type StoredBody = Omit<Body, 'attempts'> & { readonly attempts: readonly StoredAttempt[] }

export function coreOf(row: Core): Core {
  const { id, context, resource, fingerprint, key, pattern, terms, policy, effect, reasons } = row
  const { approvedBy, charges, lanes, filled, createdAt, trace } = row
  return {
    id,
    context,
    resource,
    fingerprint,
    key,
    pattern,
    terms,
    policy,
    effect,
    reasons,
    approvedBy,
    charges,
    lanes,
    filled,
    createdAt,
    trace,
  }
}

export function coreText(row: PaymentRow, names: CounterNames): string {
  return encode({ ...coreOf(row), charges: row.charges.map((charge) => packCharge(charge, names)) })
}

export function bodyText(row: PaymentRow): string {
  const { receipts, burnt, pinned, widened, spent, fee, proof, reference, reason, times } = row
  const { delivered, reportedAt, updatedAt, recheckAt, takenOver, signed, unlocked } = row
  const { rejection, repeatable } = row
  const attempts = row.attempts.map((attempt) =>
    attempt.terms === row.terms ? { ...attempt, terms: undefined } : attempt,
  )
  const body: Record<(typeof MOVING)[number], unknown> = {
    attempts,
    receipts,
    burnt,
    pinned,
    widened,
    spent,
    fee,
    proof,
    reference,
    reason,
    times,
    delivered,
    reportedAt,
    updatedAt,
    recheckAt,
    takenOver,
    signed,
    unlocked,
    rejection,
    repeatable,
  }
  return encode(body)
}

export function readCore(text: string, names: CounterNames): Core {
  const value = decode(text)
  if (!isCore(value)) throw damaged()
  return { ...value, charges: value.charges.map((charge) => unpackCharge(charge, names)) }
}

export function readBody(text: string, { terms }: Pick<Core, 'terms'>): Body {
  const value = decode(text)
  if (!isBody(value)) throw damaged()
  return {
    ...value,
    attempts: value.attempts.map((attempt) => ({ ...attempt, terms: attempt.terms ?? terms })),
  }
}

export function rowFrom(core: Core, body: Body, state: PaymentState, owner: string | undefined): PaymentRow {
  return owner === undefined ? { ...core, ...body, state } : { ...core, ...body, state, owner }
}

// Only the ledger writes these texts, so a few fields are enough to detect a damaged row.
function isCore(value: unknown): value is StoredCore {
  return (
    has(value, 'id', isText) &&
    has(value, 'fingerprint', isText) &&
    has(value, 'charges', Array.isArray) &&
    has(value, 'lanes', Array.isArray) &&
    has(value, 'createdAt', isNumber)
  )
}

function isBody(value: unknown): value is StoredBody {
  return (
    has(value, 'attempts', Array.isArray) &&
    has(value, 'receipts', Array.isArray) &&
    has(value, 'updatedAt', isNumber) &&
    has(value, 'burnt', (burnt) => typeof burnt === 'bigint')
  )
}

export function isApprovalRow(value: unknown): value is ApprovalRow {
  return (
    has(value, 'id', isText) &&
    has(value, 'payment', isText) &&
    has(value, 'state', isText) &&
    has(value, 'fingerprint', isText) &&
    has(value, 'expires', isNumber) &&
    has(value, 'holds', Array.isArray) &&
    has(value, 'terms', (terms) => has(terms, 'network', isText)) &&
    has(value, 'open', (open) => typeof open === 'boolean')
  )
}

export function has(value: unknown, name: string, is: (item: unknown) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return false
  return is(Reflect.get(value, name))
}

export const isText = (value: unknown): boolean => typeof value === 'string'
export const isNumber = (value: unknown): boolean => typeof value === 'number'
