import type { NextAction } from '../errors/index.js'
import type { Channel, Channels, Evidence, Verdict } from '../ledger/index.js'
import type { Amount, Instant } from '../money/index.js'
import type {
  Challenge,
  Credential,
  OfferKind,
  Problem,
  Receipt,
  ReplyInfo,
  Resource,
} from '../protocol/index.js'
import type { Authorization } from './authorization.js'
import type { Quote, QuoteContext, Unpayable } from './quote.js'

/** Delivers a credential that carries no content. Purser hands this function to the wallet. */
export type Deliver = (credential: Credential) => Promise<ReplyInfo>

/** A payment that is ready to sign, or signed. Nothing has been sent. */
export interface Prepared {
  /**
   * Stored on disk before `complete` is called, so a power cut does not lose it. It names everything that `inspect`
   * needs to find the effect of `complete`: a transaction's hash before its broadcast, the idempotency key of a request
   * before the request.
   */
  readonly evidence: Evidence
  /** The next value of the payment's lane, once the credential was accepted. */
  readonly nextLaneValue?: bigint
  /**
   * The running total that this credential signs on its lane. The ledger stores it with the commit, even if the call
   * fails later. The lane is free for the next payment as soon as no call works on this one.
   */
  readonly signedTotal?: bigint
  /** Performs the side effect and returns the credential. A failure from here on leaves the payment in doubt. */
  complete(deliver: Deliver): Promise<Completed>
  /** Undoes the effects of `prepare`. Called if the payment is never committed. */
  discard(): Promise<void>
}

/** A signed credential. From here on it may be cashed, even if the call fails. */
export interface Completed {
  readonly credential: Credential
  /**
   * Set if more is known now than in `prepare`. It is stored on disk before the credential is sent; if it cannot be
   * stored, the credential is not sent. It costs a synced write, so leave it out if it proves no more than the evidence
   * of `prepare`.
   */
  readonly evidence?: Evidence
  /** The time after which the credential can no longer be accepted. Absent if it has no such time. */
  readonly goodUntil?: Instant
  /** Set if a person must act before the credential can be accepted. Purser sends it only after that. */
  readonly pendingAction?: PendingAction
}

/** The action that a credential waits for. */
export interface PendingAction {
  readonly action?: NextAction
  /** Shows the action to a person and returns whether it was done. Absent if no person can be reached. */
  waitForPerson?(): Promise<boolean>
}

/** Options of `prepare`. */
export interface PrepareOptions {
  readonly now: Instant
  readonly signal?: AbortSignal
  readonly channels: Channels
}

/** A server's statement of the time. */
export interface ServerTime {
  readonly host: string
  readonly at: Instant
  /** The value of `performance.now()` at that moment. */
  readonly since: number
}

/** A fault of a chain node that a wallet uses. */
export interface NodeFault {
  /**
   * `node_of_another_chain`: the node serves another chain. `node_unusable`: it does not name its chain, because it is
   * down or is not a node.
   */
  readonly kind: 'node_of_another_chain' | 'node_unusable'
  /** A sentence for people. It contains no URL, because URLs may contain keys. */
  readonly message: string
}

/** Options of `inspect`. */
export interface InspectOptions {
  /** The server's problem. A wallet relies on it only if that costs the payer. */
  readonly problem?: Problem
  readonly channels: Channels
}

/** A credential that the server accepted with a matching receipt. */
export interface AcceptedCredential {
  readonly evidence: Evidence
  readonly challenge: Challenge
  readonly resource: Resource
  readonly receipt: Receipt
  readonly now: Instant
  readonly channels: Channels
}

/** A credential that the server rejected. */
export interface RejectedCredential {
  readonly evidence: Evidence
  /** The server's problem. Its `status` is that of the answer; its `type` is `about:blank` if the server named none. */
  readonly problem: Problem
  readonly now: Instant
  readonly channels: Channels
}

/** Something that a wallet stops using after a server's answer. */
export interface Abandonment {
  /** A sentence for people. */
  readonly message: string
}

/**
 * A way to pay. A wallet does not know `fetch` or the policy, and signs only with an {@link Authorization}.
 *
 * If `prepare` fails, Purser tries the next offer. If `complete` fails, the payment is in doubt.
 *
 * @see docs/custom-wallet.md
 */
export interface Wallet {
  /**
   * The wallet's id. It is stable across processes, so that another process can match stored evidence: `tempo:0xabc…`.
   */
  readonly id: string
  readonly kinds: readonly OfferKind[]
  /**
   * Reads an offer. It does not contact the vendor, signs nothing, and makes no RPC call in steady state.
   *
   * @returns The quote, or why this wallet cannot pay the offer.
   */
  quote(challenge: Challenge, context: QuoteContext): Promise<Quote | Unpayable>
  /**
   * Performs every step that can fail while the money is safe. Its first line spends the authorization with
   * `spendAuthorization`.
   */
  prepare(authorization: Authorization, options: PrepareOptions): Promise<Prepared>
  /**
   * Finds out what happened to a credential. The verdict `void` must rest on the payment network's own record and own
   * clock. A local clock or a missing record proves nothing, because a ledger may be an old copy and a network may have
   * deleted records.
   *
   * @returns `settled`, `void`, `pending` or `unknown`; the payment counts against the budget unless it is `void`.
   */
  inspect(evidence: Evidence, options?: InspectOptions): Promise<Verdict>
  /**
   * Makes a credential void if the network can: cancels an authorization, revokes a token, burns a lane. Called if no
   * call works on the credential, nothing was delivered for it, and it does not wait for a person.
   *
   * @returns A verdict as from `inspect`.
   */
  abandon?(evidence: Evidence): Promise<Verdict>
  /**
   * Tells whether a receipt's reference matches this evidence, for example the hash of the transaction. Undefined if it
   * cannot be decided.
   */
  matchesReceipt?(evidence: Evidence, reference: string): boolean | undefined
  /** Returns the recent statements of the wallet's servers about the time. */
  serverTimes?(): readonly ServerTime[]
  /** Returns the faults of the wallet's nodes since the last call. Listeners get each as an anomaly. */
  nodeFaults?(): readonly NodeFault[]
  /** Called for every accepted credential. The wallet may remember data from it. */
  onAccepted?(acceptance: AcceptedCredential): Promise<void>
  /**
   * Called for every rejected credential.
   *
   * @returns The thing that the wallet gives up because of it: listeners are told, and the same request may be paid for
   *   again. Undefined if nothing changes.
   */
  onRejected?(rejection: RejectedCredential): Promise<Abandonment | undefined>
  /**
   * Returns a challenge that the wallet answered before and may answer again for exactly this operation. Purser then
   * judges, holds and sends the payment with the first request instead of asking first.
   */
  rememberedChallenge?(resource: Resource, now: Instant): Challenge | undefined
}

/** A channel as the payment network records it. */
export interface ChannelView {
  readonly deposit: Amount
  /** The amount that the vendor has taken from it so far. */
  readonly captured: Amount
  readonly closed: boolean
  /** Set if a forced close was requested: the time from which the rest can be withdrawn. */
  readonly withdrawableAt?: Instant
}

/** The operations of an owner on a channel, apart from paying. */
export type ChannelOperation =
  | { readonly kind: 'topUp'; readonly amount: bigint }
  /** Closes the channel together with the vendor: the vendor takes its share, and the rest is returned. */
  | { readonly kind: 'close' }
  /**
   * Closes the channel without the vendor. The vendor has some time to claim its share; then the rest can be withdrawn.
   */
  | { readonly kind: 'requestClose' }
  | { readonly kind: 'withdraw' }

/** A wallet with channels, and its operations for their owner. */
export interface ChannelWallet extends Wallet {
  /** Reads a channel from the network and stores the result. Undefined if no source answered. */
  inspectChannel(channel: Channel, channels: Channels): Promise<ChannelView | undefined>
  /**
   * Checks a channel that the vendor remembers for this payer. If it belongs to this wallet and is open, the next call
   * to that address uses it. Not called for a channel that the ledger already has.
   *
   * @param said - The vendor's statement about the channel.
   * @returns True if the channel was restored.
   */
  restoreChannel?(said: string, at: Resource, channels: Channels): Promise<boolean>
  /**
   * Tells whether the vendor said that it does not know this channel. If so, Purser reclaims the deposit without the
   * vendor.
   */
  isForgotten?(channel: Channel): boolean
  /** Quotes an operation. It is judged, held and signed like a payment; its `prepare` delivers or broadcasts. */
  quoteOperation(act: ChannelOperation, channel: Channel, context: QuoteContext): Promise<Quote | Unpayable>
}

type OptionalName<T> = { [Name in keyof T]-?: object extends Pick<T, Name> ? Name : never }[keyof T]

/** The compiler checks this list against the port: it must name every optional method. */
const OPTIONAL: Readonly<Record<OptionalName<ChannelWallet>, true>> = {
  abandon: true,
  matchesReceipt: true,
  serverTimes: true,
  nodeFaults: true,
  onAccepted: true,
  onRejected: true,
  rememberedChallenge: true,
  restoreChannel: true,
  isForgotten: true,
}

/** The optional methods of a wallet. A wallet must not inherit them from a polluted `Object.prototype`. */
export const OPTIONAL_METHODS: readonly string[] = Object.freeze(Object.keys(OPTIONAL))
