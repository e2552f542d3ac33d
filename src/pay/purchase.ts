import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Attempt, Evidence, Hold, Payment, PaymentId } from '../ledger/index.js'
import type { Instant } from '../money/index.js'
import { operationPattern, type Terms } from '../policy/index.js'
import type { Challenge, JsonObject, ReplyInfo } from '../protocol/index.js'
import { own } from '../util/objects.js'
import type { QueuePlace } from '../util/queue.js'
import type { Prepared, Quote } from '../wallet/index.js'
import type {
  Candidate,
  LivePredecessor,
  OperationSource,
  QuoteConstraints,
  ResourceContext,
} from './authorize/candidates.js'
import type { Call } from './env.js'
import type { Exchange, Metered } from './exchange.js'
import type { LiveCredential } from './process-state.js'

/** What is authorized: a payment for an offer of a server, or an owner's operation on a channel. */
export type Purchase = OfferPurchase | OperationPurchase

/** The parts of each purchase. Made once for each call. */
interface PurchaseContext extends ResourceContext {
  readonly fingerprint: string
  /** Remembered approvals that turned out to have no room left. The set grows during the call. */
  readonly usedUp: Set<string>
  /** The call's place in the queue for a lane, on which payments run one after another. */
  readonly place: QueuePlace
}

/** A server asks for money, and one of its offers is paid. */
export interface OfferPurchase<Reply = unknown> extends PurchaseContext {
  readonly kind: 'offers'
  readonly exchange: Exchange<Reply>
  readonly offers: readonly Challenge[]
  /**
   * Set if no server has asked for money yet: only offers that policy allows are paid, and a refusal does not refuse
   * the call.
   */
  readonly payingUpfront?: true | undefined
  /** Set if the payment continues a stream. */
  readonly need?: StreamNeed | undefined
  /**
   * Set if the payment has a credential already: the next one must be no worse, and exclude that one while it lives.
   */
  readonly earlier?: EarlierPayment | undefined
}

/** An owner's operation on a channel. No server asked for it, and there is nothing else to choose from. */
export interface OperationPurchase extends PurchaseContext, OperationSource {
  readonly payingUpfront?: undefined
  readonly need?: undefined
  readonly earlier?: undefined
}

/** What a stream says it needs, and which quotes continue it. */
export interface StreamNeed {
  readonly claims: JsonObject
  fits(quote: Quote): boolean
}

export interface EarlierPayment {
  readonly payment: PaymentId
  readonly terms: Terms
  readonly alive?: LivePredecessor | undefined
}

/** A payment that is held, approved, signed and committed: its credential may leave. */
export interface AuthorizedPayment {
  readonly payment: PaymentId
  /** The payment at the time of this commit. */
  readonly committed: Payment
  readonly candidate: Candidate
  readonly prepared: Prepared
  readonly attempt: Omit<Attempt, 'at' | 'void'>
}

export type AuthorizeResult =
  | { readonly kind: 'authorized'; readonly authorized: AuthorizedPayment }
  /** An earlier payment of the same purchase is in the way. */
  | { readonly kind: 'taken'; readonly by: Payment }
  /** Nothing excludes the earlier credential, which expires then. */
  | { readonly kind: 'wait'; readonly until: Instant }

/** What came back for a credential. */
export type Answer<Reply> =
  | { readonly kind: 'reply'; readonly reply: Reply; readonly reading: ReplyInfo }
  | { readonly kind: 'lost'; readonly cause: unknown }

/** A credential that left, and what came back for it. */
export interface SubmittedCredential<Reply = unknown> {
  readonly authorized: AuthorizedPayment
  readonly evidence: Evidence
  /** Undefined if it could not be completed. */
  readonly sent?: LiveCredential | undefined
  readonly answer: Answer<Reply>
  /** The reply is paid for while it is read: its receipt may come at its end. */
  readonly metered?: Metered<Reply> | undefined
}

/** A reply that is paid for while its caller reads it. */
export interface PaidStream<Reply> {
  /** The credential that opened the stream. */
  readonly submitted: SubmittedCredential<Reply>
  readonly metered: Metered<Reply>
  readonly payment: Payment
}

/**
 * The fingerprint of one request of one agent for one task. It is the same in any process, and differs between agents.
 */
export function fingerprintOf({ context: { agent, tasks, tool } }: Call, request: string): string {
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify([agent, tasks, tool ?? null, request]))))
}

/** Sends the request again without a credential, and returns what the server offers now. */
export async function requestOffers({ exchange, call }: OfferPurchase): Promise<readonly Challenge[]> {
  const reply = await exchange.send(own({ signal: call.signal }))
  const reading = await exchange.read(reply)
  exchange.discard(reply)
  return reading.kind === 'payment-required' ? reading.offers : []
}

/** The constraints on the quotes of a payment. A payment that continues an earlier one is no separate purchase. */
export function constraintsOf(
  id: PaymentId,
  { earlier, usedUp, need, fingerprint }: Purchase,
): QuoteConstraints {
  const purchase = earlier === undefined && need === undefined ? { fingerprint, id } : undefined
  return { alive: earlier?.alive, usedUp, need, purchase }
}

/** The ledger's hold for this candidate, under this id. */
export function holdOf(id: PaymentId, candidate: Candidate, { at, call, env, fingerprint }: Purchase): Hold {
  const { quote, decision, approvedBy } = own(candidate)
  const { agent, tasks, tool } = call.context
  const { transport, vendor, operation } = at
  return own({
    id,
    owner: env.owner,
    context: { agent, tasks, ...(tool === undefined ? {} : { tool }) },
    resource: { transport, vendor, operation },
    fingerprint,
    pattern: operationPattern(at),
    terms: quote.terms,
    decision,
    doubtWindowMs: env.doubtWindowMs,
    ...(approvedBy === undefined ? {} : { approvedBy }),
    ...(call.key === undefined ? {} : { key: call.key }),
    ...(quote.lane === undefined ? {} : { lane: quote.lane }),
    ...(call.trace === undefined ? {} : { trace: call.trace }),
  })
}

/** Whether a quote depends on one value of its lane or on an earlier credential. Either may have changed. */
export function dependsOnOtherPayment({ quote: { lane, replaces } }: Candidate): boolean {
  return lane?.at !== undefined || replaces !== undefined
}

/** Waits for the payments before this one on the same lane. False if there were none. */
export async function waitForLane(
  { quote: { lane } }: Candidate,
  { place, call }: Purchase,
): Promise<boolean> {
  const [name, ...others] = lane?.names ?? []
  if (name === undefined || others.length > 0 || lane?.otherwise !== 'wait') return false
  // A caller who has left would never give up its place.
  call.signal?.throwIfAborted()
  return place.enter(name, call.signal)
}
