import type { Credential, JsonObject, Receipt, ReplyInfo, Resource } from '../protocol/index.js'
import { own } from '../util/objects.js'
import type { Call } from './env.js'

/** What one leg of an exchange carries. */
export interface SendOptions {
  readonly credential?: Credential
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}

/** One request on some transport, whether or not it was ever asked to pay. */
export interface Exchange<Reply> {
  /** As dialled. */
  readonly resource: Resource
  /** The caller's own Idempotency-Key, where the request carries one. */
  readonly key?: string
  /**
   * May the same paid request be sent again by itself after its connection was lost? Not if its method has side effects
   * and no Idempotency-Key travels with it: then nobody knows how often they happen. Absent: it may.
   */
  readonly repeatable?: boolean
  /**
   * Method, address and body digest: the same for the same request in any process.
   *
   * @throws PaymentError `not_replayable` if the request cannot be sent a second time.
   */
  fingerprint(): Promise<string>
  /** Without a credential: the caller's own request, as given. With one: no redirect is followed. */
  send(leg: SendOptions): Promise<Reply>
  /** Could this reply ask for money at all? A glance that spares every free call the reading. */
  mayRequirePayment(reply: Reply): boolean
  /** Asynchronous, since offers and problems may stand in a body. Leaves the reply readable. */
  read(reply: Reply): Promise<ReplyInfo>
  /**
   * Can this credential travel with this request?
   *
   * @throws PaymentError `digest_mismatch`, `authorization_taken`, `credential_too_large`, `not_replayable`, …
   */
  check(challenge: Credential['challenge'], at: Resource): Promise<void>
  /** The reply will not be handed on: drain or cancel it, so that the connection is reused. */
  discard(reply: Reply): void
  /**
   * Delivers a credential without the request's content: a top-up, a voucher beside a stream, a close. Without one:
   * asks, in the same way, what it would cost now.
   */
  sendAside?(credential: Credential | undefined, signal?: AbortSignal): Promise<ReplyInfo>
  /**
   * A reply that is paid for while it is read: what the caller reads instead, and what the server says beside it.
   * Undefined where this reply is none. The reply itself is used up.
   */
  metered?(reply: Reply): Promise<Metered<Reply> | undefined>
  /**
   * Tells, at most once, that a reply's body broke off before its end, by no doing of the caller's. For transports that
   * see the body pass.
   */
  onBroken?(reply: Reply, tell: () => void): void
  /** After a redirect of the paid leg: follow it without the credential, if that is allowed. */
  follow?(reply: Reply, to: string): Promise<Reply | undefined>
  /** Makes the reply that a refusal is, in this transport: a 402 with a problem body. */
  refuse(problem: RefusalProblem): Reply | Promise<Reply>
}

/** Sends the caller's own request, without a credential. */
export function sendUnpaid<Reply>(exchange: Exchange<Reply>, { signal, key }: Call): Promise<Reply> {
  return exchange.send(
    own({
      ...(signal ? { signal } : {}),
      ...(key === undefined ? {} : { idempotencyKey: key }),
    }),
  )
}

/** What a server says in the midst of a metered reply. It reaches nobody but the payment story. */
export type MeterEvent =
  /** It goes on when it has been paid more. What it says it needs is a claim. `after`: how much content came before. */
  | { readonly kind: 'need'; readonly claims: JsonObject; readonly after: number }
  | { readonly kind: 'receipt'; readonly receipt: Receipt }

/** A metered reply, as two: what the caller reads, and what the payment story hears. */
export interface Metered<Reply> {
  readonly reply: Reply
  /**
   * For one listener. Ends with the stream, which is read on while an event is dealt with, as far as the caller reads
   * and the server sends: then the latest event of each kind stands for those before it.
   */
  readonly events: AsyncIterable<MeterEvent>
  /** How the stream ended: read to its end, or broken off, by whomever. */
  readonly end: Promise<'whole' | 'broken'>
  /** It asked for more, and will not be paid on any more: why. Some transports can end a reply with that. */
  declined?(why: unknown): void
}

/**
 * The body of a refusal: a problem by RFC 9457. `message` and `error` repeat the sentence and the code, because SDKs of
 * model APIs show those members and nothing else.
 */
export interface RefusalProblem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly message: string
  readonly error: { readonly message: string; readonly type: 'payment_refused'; readonly code: string }
  readonly code: string
  readonly funds: string
  readonly reasons: readonly unknown[]
  readonly payment?: string
  /** When it makes sense to ask again, as an ISO date. */
  readonly retryAt?: string
}
