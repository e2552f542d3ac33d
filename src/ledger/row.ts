import type { Amount, Instant, Units } from '../money/index.js'
import type { CounterClaim, Dimensions } from '../policy/index.js'
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
  /** The currency id of the unit. */
  readonly unit: string
  /** When it was authorized: where counters count it. */
  readonly at: Instant
}

/** A payment as it is stored: what callers see, and what the ledger needs to count it. */
export interface Row extends Omit<Payment, 'live' | 'units'> {
  readonly owner?: string
  /** Taken over by a recoverer: live again, and still a doubt to its twins. */
  readonly adopted?: boolean
  readonly pattern: string
  readonly charges: readonly Charge[]
  /** What failed attempts burnt: spent, whatever becomes of the rest. */
  readonly burnt: Units
  readonly lanes: readonly string[]
  /** Was what it signed written to its lane with the commit? */
  readonly signed?: boolean
  /** Has the deposit that it locked up come back? */
  readonly unlocked?: boolean
  /** Were its payees pinned at the commit? */
  readonly pinned: boolean
  /** The number of the last counter that was filled from stored payments before this one was held. */
  readonly filled: number
}

/** Does the fee still count at its bound, because nobody has read it yet? */
export function feeUnread(row: Pick<Row, 'state' | 'fee' | 'charges'>): boolean {
  return row.state === 'settled' && row.fee === undefined && row.charges.some((c) => c.units > c.price)
}

/** What a caller sees of a row: frozen to its depths, since a store may hold the very same objects. */
export function paymentOf(row: Row, live: boolean, units: Units): Payment {
  const { id, state, context, resource, fingerprint, terms, policy, effect, reasons } = row
  const { attempts, receipts, delivered, createdAt, updatedAt } = row
  return seal({
    ...{
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
    },
    ...{ units, delivered, createdAt, updatedAt },
    ...present(row),
  })
}

/** What a row need not have. */
function present(row: Row): Partial<Payment> {
  const shown: { -readonly [Name in keyof Payment]?: Payment[Name] } = {}
  const { key, approvedBy, spent, fee, proof, reference, because, reportedAt, recheckAt, trace } = row
  if (key !== undefined) shown.key = key
  if (approvedBy !== undefined) shown.approvedBy = approvedBy
  const price = spent ?? agreedPrice(row)
  if (price !== undefined) shown.spent = price
  if (fee !== undefined) shown.fee = fee
  if (proof !== undefined) shown.proof = proof
  if (reference !== undefined) shown.reference = reference
  if (because !== undefined) shown.because = because
  if (reportedAt !== undefined) shown.reportedAt = reportedAt
  if (recheckAt !== undefined) shown.recheckAt = recheckAt
  if (trace !== undefined) shown.trace = trace
  return shown
}

/** A receipt settles the one price that was agreed; with several attempts it does not say which of them it is for. */
function agreedPrice({ state, charges, terms }: Row): Amount | undefined {
  return state === 'settled' && charges.length === 1 ? terms.most : undefined
}

function seal<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  // What is frozen was frozen whole, except for lists: those are frozen around what they hold.
  if (Object.isFrozen(value) && !Array.isArray(value)) return value
  for (const item of Object.values(value)) seal(item)
  return Object.freeze(value)
}
