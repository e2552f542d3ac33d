import { type Amount, asJson, type Instant, type Units } from '../money/index.js'
import type { CounterClaim, Dimensions } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { Payment } from './port.js'

/** The amount that a payment counts for on one counter. */
export interface Counted {
  readonly key: string
  readonly counts: CounterClaim['counts']
  /** Whether the counter belongs to one payee. */
  readonly payee: boolean
  readonly at: Instant
  readonly amount: bigint
}

/**
 * The charge of one decision. There is one charge per hold that led to a credential. At most one of them can ever
 * settle, so counters count the most expensive one.
 */
export interface Charge {
  /** The claims of its policy, and the counters that only other policies name. */
  readonly counted: readonly Counted[]
  readonly dimensions: Dimensions
  /** The price plus the fee bound. */
  readonly units: Units
  readonly price: Units
  readonly lock: Units
  /** The time of the authorization. Counters count the payment at this time. */
  readonly at: Instant
}

/**
 * Allows optional properties to be present and undefined. So all rows have the same shape, which the runtime copies
 * fast.
 */
type Loose<T> = { readonly [Name in keyof T]: object extends Pick<T, Name> ? T[Name] | undefined : T[Name] }

/** A stored payment: the fields that callers see, and the fields that the ledger needs to count it. */
export interface PaymentRow extends Loose<Omit<Payment, 'live' | 'units' | 'unit' | 'countedAt'>> {
  readonly owner?: string | undefined
  /** Whether a recoverer took it over. Then it is live again, but its twins still treat it as a doubt. */
  readonly takenOver?: boolean | undefined
  readonly pattern: string
  readonly charges: readonly Charge[]
  /** The fees of failed attempts. They are spent, even if the payment does not settle. */
  readonly burnt: Units
  readonly lanes: readonly string[]
  /** Whether the commit wrote the signed value to the lane. */
  readonly signed?: boolean | undefined
  /** Whether its locked deposit has come back. */
  readonly unlocked?: boolean | undefined
  /** Whether it was given up, so that the same request may be paid for again at once. */
  readonly repeatable?: boolean | undefined
  /** Whether its payees were pinned at the commit. */
  readonly pinned: boolean
  /** Whether a person approved its payees in addition to the pinned ones. */
  readonly widened?: boolean | undefined
  /**
   * The number of the last fill that had started when this payment was held. Later fills counted it or will count it.
   */
  readonly filled: number
}

/** Returns whether the fee still counts at its bound because it was not read yet. */
export function feeUnread(row: Pick<PaymentRow, 'state' | 'fee' | 'charges'>): boolean {
  return row.state === 'settled' && row.fee === undefined && row.charges.some((c) => c.units > c.price)
}

/** Returns a row as callers see it. It is deeply frozen, because a store may keep the same objects. */
export function paymentOf(row: PaymentRow, live: boolean, units: Units): Payment {
  const { id, state, context, resource, fingerprint, terms, policy, effect, reasons } = row
  const { attempts, receipts, delivered, createdAt, updatedAt } = row
  seal(context)
  seal(resource)
  seal(terms)
  seal(reasons)
  seal(attempts)
  seal(receipts)
  const payment: { -readonly [Name in keyof Payment]: Payment[Name] } = own({
    id,
    state,
    live,
    context,
    resource,
    fingerprint,
    terms,
    policy,
    effect,
    reasons,
    attempts,
    receipts,
    units,
    unit: row.charges.at(-1)?.dimensions.unit ?? '',
    countedAt: row.charges.reduce((latest, { at }) => Math.max(latest, at), 0) || createdAt,
    delivered,
    createdAt,
    updatedAt,
  })
  addOptional(payment, row)
  return Object.freeze(asJson(payment))
}

/** Adds the optional fields of a row. */
function addOptional(shown: { -readonly [Name in keyof Payment]: Payment[Name] }, row: PaymentRow): void {
  const { key, approvedBy, fee, proof, reference, reason, times } = row
  const { rejection, reportedAt, recheckAt, trace } = row
  const spent = row.spent ?? agreedPrice(row)
  if (key !== undefined) shown.key = key
  if (approvedBy !== undefined) shown.approvedBy = approvedBy
  if (spent !== undefined) shown.spent = seal(spent)
  if (fee !== undefined) shown.fee = seal(fee)
  if (proof !== undefined) shown.proof = proof
  if (reference !== undefined) shown.reference = reference
  if (reason !== undefined) shown.reason = reason
  if (times !== undefined) shown.times = times
  if (rejection !== undefined) shown.rejection = seal(rejection)
  if (row.repeatable === true) shown.repeatable = true
  if (reportedAt !== undefined) shown.reportedAt = reportedAt
  if (recheckAt !== undefined) shown.recheckAt = recheckAt
  if (trace !== undefined) shown.trace = trace
}

/**
 * Returns the single agreed price, which a receipt settles. If there are several attempts, the receipt does not show
 * which of them it is for.
 */
function agreedPrice({ state, charges, terms }: PaymentRow): Amount | undefined {
  return state === 'settled' && charges.length === 1 ? terms.most : undefined
}

function seal<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  // A frozen object was frozen deeply. A frozen list may still have items that are not frozen.
  if (Array.isArray(value)) for (const item of value) seal(item)
  else if (Object.isFrozen(value)) return value
  else for (const item of Object.values(value)) seal(item)
  return Object.freeze(value)
}
