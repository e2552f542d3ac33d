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

/** What a wallet may ask of the payment it works for: deliver a credential that carries no content. */
export type Deliver = (credential: Credential) => Promise<ReplyInfo>

/** Everything ready to sign, or signed; nothing has left. */
export interface Prepared {
  /**
   * On record before `complete` is called, and on the disk: a power cut does not lose it. It names everything by which
   * `inspect` finds what `complete` is going to do: a transaction's hash before its broadcast, the idempotency key of a
   * request before the request.
   */
  readonly evidence: Evidence
  /** The next value of the lane it runs on, once the credential was accepted. */
  readonly nextLaneValue?: bigint
  /**
   * The running total that this signs on its lane. It is written down with the commit, whatever becomes of it, and the
   * lane is free for the next payment as soon as nobody works on this one.
   */
  readonly signedTotal?: bigint
  /** The side effect. What fails from here on is a doubt. */
  complete(deliver: Deliver): Promise<Completed>
  /** Never committed: undo what `prepare` left behind. */
  discard(): Promise<void>
}

/** A credential that was signed. From here on it may be cashed, whatever becomes of the call. */
export interface Completed {
  readonly credential: Credential
  /**
   * More is known now than `prepare` knew. It is on record, and on the disk, before the credential leaves; where it cannot
   * be written down, the credential does not leave. It costs a synced write: leave it out if it proves no more than the
   * evidence of `prepare`.
   */
  readonly evidence?: Evidence
  /** After this moment the credential cannot be accepted any more. */
  readonly goodUntil?: Instant
  /** A person must act before it can be accepted: it does not leave until they have. */
  readonly pendingAction?: PendingAction
}

/** What a credential waits for. */
export interface PendingAction {
  readonly action?: NextAction
  /** Shows the action to a person, and answers whether it was done. Absent: there is nobody to show it to. */
  waitForPerson?(): Promise<boolean>
}

/** What a wallet is told when it prepares. */
export interface PrepareOptions {
  readonly now: Instant
  readonly signal?: AbortSignal
  readonly channels: Channels
}

/** What a server said the time is. */
export interface ServerTime {
  readonly host: string
  readonly at: Instant
  /** `performance.now()` when it said so. */
  readonly since: number
}

/** What is wrong with a node of a chain that a wallet asks. */
export interface NodeFault {
  /** It is of another chain, or it does not say which chain it is of: it is down, or no node at all. */
  readonly kind: 'node_of_another_chain' | 'node_unusable'
  /** A sentence for people. It names no URL: URLs hold keys. */
  readonly message: string
}

/** What a wallet is told when it looks for what became of a credential. */
export interface InspectOptions {
  /** What the server said; believed only where that costs us. */
  readonly problem?: Problem
  readonly channels: Channels
}

/** A credential that the server accepted: it gave a receipt that fits. */
export interface AcceptedCredential {
  readonly evidence: Evidence
  readonly challenge: Challenge
  readonly resource: Resource
  readonly receipt: Receipt
  readonly now: Instant
  readonly channels: Channels
}

/** A credential that the server did not take. */
export interface RejectedCredential {
  readonly evidence: Evidence
  /** What the server said. Its `status` is that of the answer; its `type` is `about:blank` if the server named none. */
  readonly problem: Problem
  readonly now: Instant
  readonly channels: Channels
}

/** What a wallet does not use any more after a server's answer. */
export interface Abandonment {
  /** A sentence for people. */
  readonly message: string
}

/**
 * A way to pay. It knows no fetch and no policy; it signs only for an {@link Authorization}.
 *
 * A failure in `prepare` is harmless and falls through to the next offer; a failure in `complete` is a doubt.
 */
export interface Wallet {
  /** Stable across processes, so that another one knows whose evidence it holds: `tempo:0xabc…`. */
  readonly id: string
  readonly kinds: readonly OfferKind[]
  /** Reads an offer. Never the vendor, never a signature, and no RPC in steady state. */
  quote(challenge: Challenge, context: QuoteContext): Promise<Quote | Unpayable>
  /** All that can fail while money is safe. Its first line spends the authorization. */
  prepare(authorization: Authorization, options: PrepareOptions): Promise<Prepared>
  /**
   * Reads what became of a credential. `void` rests on the rail's own record and the rail's own clock. Neither our clock
   * nor the absence of something proves it: a ledger may be an old copy, and a rail may have forgotten.
   */
  inspect(evidence: Evidence, options?: InspectOptions): Promise<Verdict>
  /**
   * Makes it void where the rail can: cancels an authorization, revokes a token, burns a lane. Asked for when nobody goes
   * on with a credential that was neither delivered for nor waits for a person. Its answer is as good as `inspect`'s.
   */
  abandon?(evidence: Evidence): Promise<Verdict>
  /** Does this receipt fit this evidence (its reference is our hash, …)? Undefined: it cannot tell. */
  matchesReceipt?(evidence: Evidence, reference: string): boolean | undefined
  /** What the servers that it asks have said of the time, lately. */
  serverTimes?(): readonly ServerTime[]
  /** What it found wrong with its nodes since it was last asked. Listeners hear of it as an anomaly. */
  nodeFaults?(): readonly NodeFault[]
  /** Told of every credential that was accepted: what it may remember of it is its own affair. */
  onAccepted?(acceptance: AcceptedCredential): Promise<void>
  /**
   * Told of every credential that the server did not take.
   *
   * @returns What the wallet gives up because of it: listeners are told, and the same request may be paid for again.
   * Undefined if it goes on as before.
   */
  onRejected?(rejection: RejectedCredential): Promise<Abandonment | undefined>
  /**
   * A challenge it has answered before and may answer again, for exactly this operation: what is judged, held and sent
   * with the request at once, instead of asking first.
   */
  rememberedChallenge?(resource: Resource, now: Instant): Challenge | undefined
}

/** What the rail's own record says of a channel. */
export interface ChannelView {
  readonly deposit: Amount
  /** What the vendor has taken of it so far. */
  readonly captured: Amount
  readonly closed: boolean
  /** A forced close was asked for: what is left can be withdrawn from then on. */
  readonly withdrawableAt?: Instant
}

/** What an owner may do with a channel, beside paying through it. */
export type ChannelOperation =
  | { readonly kind: 'topUp'; readonly amount: bigint }
  /** Together with the vendor: it takes what it is owed, and the rest comes back. */
  | { readonly kind: 'close' }
  /** Without the vendor: it has a while to claim what it is owed, and then the rest can be withdrawn. */
  | { readonly kind: 'requestClose' }
  | { readonly kind: 'withdraw' }

/** A wallet that opens channels, as their owner deals with it. */
export interface ChannelWallet extends Wallet {
  /** Undefined: nobody who could know answered. What is found is stored. */
  inspectChannel(channel: Channel, channels: Channels): Promise<ChannelView | undefined>
  /**
   * What the vendor at an address says it remembers of a channel of ours: looked into, and where it is ours and open, what
   * the next call there goes on with. A channel that the ledger knows already is not told.
   */
  restoreChannel?(said: string, at: Resource, channels: Channels): Promise<boolean>
  /** Did the vendor say that it does not know this channel? Then Purser fetches the deposit back without the vendor. */
  isForgotten?(channel: Channel): boolean
  /** What an act comes to: judged, held and signed like a payment. Its `prepare` delivers or broadcasts. */
  quoteOperation(act: ChannelOperation, channel: Channel, context: QuoteContext): Promise<Quote | Unpayable>
}
