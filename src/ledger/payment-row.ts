import { type Amount, asJson, type Instant, type Units } from '../money/index.js'
import type { CounterClaim, Dimensions } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { Payment } from './port.js'

/** What a payment counts for on one counter. */
export interface Counted {
  readonly key: string
  readonly counts: CounterClaim['counts']
  /** Is the counter one payee's? */
  readonly payee: boolean
  readonly at: Instant
  readonly amount: bigint
}

/**
 * What one decision charged a payment with. There is one per hold that led to a credential: of several, at most one
 * can ever settle, so counters count the dearest.
 */
export interface Charge {
  /** Its policy's claims, and the counters that only others name. */
  readonly counted: readonly Counted[]
  readonly dimensions: Dimensions
  /** Price and fee bound. */
  readonly units: Units
  readonly price: Units
  readonly lock: Units
  /** When it was authorized: where counters count it. */
  readonly at: Instant
}

/** What need not be there may also be there and undefined: so rows keep one shape, which is copied fast. */
type Loose<T> = { readonly [Name in keyof T]: object extends Pick<T, Name> ? T[Name] | undefined : T[Name] }

/** A payment as it is stored: what callers see, and what the ledger needs to count it. */
export interface PaymentRow extends Loose<Omit<Payment, 'live' | 'units' | 'unit'>> {
  readonly owner?: string | undefined
  /** Taken over by a recoverer: live again, and still a doubt to its twins. */
  readonly takenOver?: boolean | undefined
  readonly pattern: string
  readonly charges: readonly Charge[]
  /** What failed attempts burnt: spent, whatever becomes of the rest. */
  readonly burnt: Units
  readonly lanes: readonly string[]
  /** Was what it signed written to its lane with the commit? */
  readonly signed?: boolean | undefined
  /** Has the deposit that it locked up come back? */
  readonly unlocked?: boolean | undefined
  /** Was it given up, so that the same request may be paid for again at once? */
  readonly repeatable?: boolean | undefined
  /** Were its payees pinned at the commit? */
  readonly pinned: boolean
  /** Did a person approve its payees beside the pinned ones? */
  readonly widened?: boolean | undefined
  /** The number of the last fill that had begun when this payment was held: those after it counted, or will count, it. */
  readonly filled: number
}

/** Does the fee still count at its bound, because nobody has read it yet? */
export function feeUnread(row: Pick<PaymentRow, 'state' | 'fee' | 'charges'>): boolean {
  return row.state === 'settled' && row.fee === undefined && row.charges.some((c) => c.units > c.price)
}

/** What a caller sees of a row: frozen to its depths, since a store may hold the very same objects. */
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
    delivered,
    createdAt,
    updatedAt,
  })
  addOptional(payment, row)
  return Object.freeze(asJson(payment))
}

/** What a row need not have. */
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

/** A receipt settles the one price that was agreed; with several attempts it does not say which of them it is for. */
function agreedPrice({ state, charges, terms }: PaymentRow): Amount | undefined {
  return state === 'settled' && charges.length === 1 ? terms.most : undefined
}

function seal<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  // What is frozen was frozen whole, except for lists: those are frozen around what they hold.
  if (Array.isArray(value)) for (const item of value) seal(item)
  else if (Object.isFrozen(value)) return value
  else for (const item of Object.values(value)) seal(item)
  return Object.freeze(value)
}
