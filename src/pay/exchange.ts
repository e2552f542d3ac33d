import type { Funds } from '../errors/index.js'
import type { Credential, JsonObject, Receipt, ReplyInfo, Resource } from '../protocol/index.js'
import { own } from '../util/objects.js'
import type { Call } from './env.js'

/** The options of one sending. */
export interface SendOptions {
  readonly credential?: Credential | undefined
  readonly idempotencyKey?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** One request on a transport, whether or not it has to be paid for. */
export interface Exchange<Reply> {
  /** The resource that the caller asked for. */
  readonly resource: Resource
  /** The caller's own Idempotency-Key, if the request carries one. */
  readonly key?: string
  /**
   * Whether the same paid request may be sent again after its connection was lost. Not if its method has side effects
   * and it carries no Idempotency-Key, because they could happen twice. Default: it may.
   */
  readonly repeatable?: boolean
  /**
   * Returns method, address and body digest as one text. It is the same for the same request in any process.
   *
   * @throws PaymentError `not_replayable` if the request cannot be sent a second time.
   */
  fingerprint(): Promise<string>
  /** Sends the request. Without a credential it is sent as the caller gave it; with one, no redirect is followed. */
  send(options: SendOptions): Promise<Reply>
  /** Whether this reply could ask for money. A quick check, so that replies of free calls are not read. */
  mayRequirePayment(reply: Reply): boolean
  /** Reads a reply. Asynchronous, because a body may hold offers and problems. The reply stays readable. */
  read(reply: Reply): Promise<ReplyInfo>
  /**
   * Checks that a credential can be sent with this request.
   *
   * @throws PaymentError `digest_mismatch`, `authorization_taken`, `credential_too_large`, `not_replayable`, …
   */
  check(challenge: Credential['challenge'], at: Resource): Promise<void>
  /** Drains or cancels a reply that no caller gets, so that the connection is reused. */
  discard(reply: Reply): void
  /**
   * Sends a credential without the request's content: a top-up, a voucher for a stream, a close. Without a credential,
   * asks in the same way what the request would cost now.
   */
  sendAside?(credential: Credential | undefined, signal?: AbortSignal): Promise<ReplyInfo>
  /**
   * Splits a reply that is paid for while it is read into the reply for the caller and the server's payment events. The
   * given reply is then used up. Undefined if this is no such reply.
   */
  metered?(reply: Reply): Promise<Metered<Reply> | undefined>
  /**
   * Calls `tell` at most once, if a reply's body breaks off before its end and the caller did not abort it. For
   * transports that see the body.
   */
  onBroken?(reply: Reply, tell: () => void): void
  /** Follows a redirect of the paid request without the credential, if that is allowed. */
  follow?(reply: Reply, to: string): Promise<Reply | undefined>
  /** Makes the reply that stands for a refusal in this transport: a 402 with a problem body. */
  refuse(problem: RefusalProblem): Reply | Promise<Reply>
}

/** Sends the caller's own request, without a credential. */
export function sendUnpaid<Reply>(exchange: Exchange<Reply>, { signal, key }: Call): Promise<Reply> {
  return exchange.send(own({ signal, idempotencyKey: key }))
}

/** A payment event of the server in a metered reply. Only the payment flow gets it. */
export type MeterEvent =
  /** The server waits for more money. `claims`: what it says it needs. `after`: how much content came before. */
  | { readonly kind: 'need'; readonly claims: JsonObject; readonly after: number }
  | { readonly kind: 'receipt'; readonly receipt: Receipt }

/** A metered reply in two parts: the reply for the caller, and the events for the payment flow. */
export interface Metered<Reply> {
  readonly reply: Reply
  /**
   * For one listener. Ends with the stream. While an event is handled, the stream is still read; then the latest event
   * of each kind replaces those before it.
   */
  readonly events: AsyncIterable<MeterEvent>
  /** How the stream ended: read to its end, or broken off by either side. */
  readonly end: Promise<'whole' | 'broken'>
  /** Tells why the server gets no further payment. Some transports can end a reply with that. */
  declined?(why: unknown): void
}

/**
 * The body of a refusal: a problem by RFC 9457. `message` and `error` repeat the text and the code, because SDKs of
 * model APIs show only those members.
 */
export interface RefusalProblem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly message: string
  readonly error: { readonly message: string; readonly type: 'payment_refused'; readonly code: string }
  readonly code: string
  readonly funds: Funds
  readonly reasons: readonly unknown[]
  readonly payment?: string
  /** When it makes sense to ask again, as an ISO date. */
  readonly retryAt?: string
}
