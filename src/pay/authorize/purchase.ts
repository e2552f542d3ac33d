import type { Attempt, Hold, Payment, PaymentId } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import { operationPattern, type Terms } from '../../policy/index.js'
import type { Challenge, JsonObject, Resource } from '../../protocol/index.js'
import { own } from '../../util/objects.js'
import type { QueuePlace } from '../../util/queue.js'
import type { Prepared, Quote } from '../../wallet/index.js'
import type { Call, Env } from '../env.js'
import type { Candidate, LivePredecessor, OperationSource, QuoteConstraints } from './candidates.js'

/** What is being authorized: a payment for an offer of a server, or an owner's operation on a channel. */
export type Purchase = OfferPurchase | OperationPurchase

interface PurchaseParts {
  readonly at: Resource
  readonly fingerprint: string
  readonly call: Call
  readonly env: Env
  /** Remembered approvals that turned out to have no room left. Grows in the course of the call. */
  readonly usedUp: Set<string>
  /** Its place in the queue for a lane that payments run on one after another. */
  readonly place: QueuePlace
}

/** A server asks for money, and one of its offers is paid. */
export interface OfferPurchase extends PurchaseParts {
  readonly kind: 'offers'
  readonly offers: readonly Challenge[]
  /** Throws if this credential could not travel with this request. */
  check(challenge: Challenge, at: Resource): Promise<void>
  /** Asks the server again, unpaid: what does it offer now? */
  requestOffers(): Promise<readonly Challenge[]>
  /** Nobody has asked for money yet: only what policy allows outright, and a refusal is no refusal of the call. */
  readonly payingUpfront?: true
  /** It pays on for a reply that is being read. */
  readonly need?: StreamNeed
  /** The payment has a credential already; this one must be no worse, and exclude it while it lives. */
  readonly earlier?: EarlierPayment
}

/** An owner's operation on a channel. No server asked for it, and there is nothing else to choose from. */
export interface OperationPurchase extends PurchaseParts, OperationSource {
  readonly payingUpfront?: undefined
  readonly need?: undefined
  readonly earlier?: undefined
}

/** What a reply that is being read says it needs, and what a quote must be to go on with it. */
export interface StreamNeed {
  readonly claims: JsonObject
  fits(quote: Quote): boolean
}

export interface EarlierPayment {
  readonly payment: PaymentId
  readonly terms: Terms
  readonly alive?: LivePredecessor
}

/** Held, approved, signed, and written down as committed: the credential may leave. */
export interface AuthorizedPayment {
  readonly payment: PaymentId
  /** As it stood when this credential was committed. */
  readonly committed: Payment
  readonly candidate: Candidate
  readonly prepared: Prepared
  readonly attempt: Omit<Attempt, 'at' | 'void'>
}

export type AuthorizeResult =
  | { readonly kind: 'authorized'; readonly authorized: AuthorizedPayment }
  /** An earlier payment of the same purchase stands in the way. */
  | { readonly kind: 'taken'; readonly by: Payment }
  /** Nothing excludes the earlier credential; it dies then. */
  | { readonly kind: 'wait'; readonly until: Instant }

/** What narrows the appraisal of a payment. One that goes on with an earlier payment is no purchase of its own. */
export function narrowingOf(
  id: PaymentId,
  { earlier, usedUp, need, fingerprint }: Purchase,
): QuoteConstraints {
  const purchase = earlier === undefined && need === undefined ? { fingerprint, id } : undefined
  return { alive: earlier?.alive, usedUp, need, purchase }
}

/** The hold of a payment that waits for a person: it runs on no lane yet, and counts on budgets only as far as it may. */
export function waitingHold({ lane: _, ...hold }: Hold, reserves: 'all' | 'nothing'): Hold {
  return reserves === 'all' ? hold : { ...hold, reserves }
}

/** The atomic step for this candidate, under this id. */
export function holdOf(id: PaymentId, candidate: Candidate, c: Purchase): Hold {
  const { quote, decision, approvedBy } = own(candidate)
  const { agent, tasks, tool } = c.call.context
  const { transport, vendor, operation } = c.at
  return own({
    id,
    owner: c.env.owner,
    context: { agent, tasks, ...(tool === undefined ? {} : { tool }) },
    resource: { transport, vendor, operation },
    fingerprint: c.fingerprint,
    pattern: operationPattern(c.at),
    terms: quote.terms,
    decision,
    doubtWindowMs: c.env.doubtWindowMs,
    ...(approvedBy === undefined ? {} : { approvedBy }),
    ...(c.call.key === undefined ? {} : { key: c.call.key }),
    ...(quote.lane === undefined ? {} : { lane: quote.lane }),
    ...(c.call.trace === undefined ? {} : { trace: c.call.trace }),
  })
}

/** Such a quote is about one value of its lane, or about an earlier credential, and those may have moved. */
export function dependsOnOtherPayment({ quote: { lane, replaces } }: Candidate): boolean {
  return lane?.at !== undefined || replaces !== undefined
}

/** Waits for the payments before it on the same lane. False if there were none. */
export async function waitForLane(
  { quote: { lane } }: Candidate,
  { place, call }: Purchase,
): Promise<boolean> {
  const [name, ...others] = lane?.names ?? []
  if (name === undefined || others.length > 0 || lane?.otherwise !== 'wait') return false
  // Nobody would ever leave the place of a caller who has gone.
  call.signal?.throwIfAborted()
  return place.enter(name, call.signal)
}
