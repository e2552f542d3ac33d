import type { Metered } from '../pay/index.js'
import type { BodyLimits, HttpResource } from '../protocol/index.js'
import type { KeptBody } from './body.js'
import type { Head, RefusalReply } from './head.js'
import type { HeaderChanges } from './headers.js'

/** The caller's own request, without a credential. */
export interface OwnRequest {
  /** Whether it was sent before. */
  readonly again: boolean
  readonly changes: HeaderChanges | undefined
  readonly signal: AbortSignal | undefined
}

/** The caller's request with a credential in its headers. */
export interface PaidRequest {
  /** Where the 402 came from. */
  readonly at: HttpResource
  readonly changes: HeaderChanges
  readonly signal: AbortSignal | undefined
}

/** A request that Purser adds: it has no content and is not the caller's. */
export interface AsideRequest extends PaidRequest {
  readonly method: 'HEAD' | 'POST'
}

/** How one HTTP client sends the requests of one call, and how Purser reads its replies. */
export interface HttpTransport<Reply extends object> {
  /** The caller's signal, if Purser has to listen to it. */
  readonly signal?: AbortSignal | undefined
  /** The caller's body, kept so that it can be sent again. */
  readonly body: KeptBody<unknown>
  /** A header of the caller's own request. */
  header(name: string): string | undefined
  /** Whether Purser may add an `Idempotency-Key`. */
  addsKey(): boolean
  send(request: OwnRequest): Promise<Reply>
  /** Follows no redirect, and no cache may keep the reply. */
  sendPaid(request: PaidRequest): Promise<Reply>
  /** Follows no redirect. */
  sendAside(request: AsideRequest): Promise<Reply>
  /** Follows a redirect without the credential. Absent: this client never follows redirects by itself. */
  follow?(target: string, method: 'GET' | 'same'): Promise<Reply | undefined>
  /**
   * Refuses a request that cannot carry a credential in this client.
   *
   * @throws PaymentRefusedError
   */
  check?(at: HttpResource): void
  statusOf(reply: Reply): number
  headOf(reply: Reply): Head
  /** The URL that the reply came from, without a fragment. Undefined: the URL of the request. */
  urlOf(reply: Reply): string | undefined
  wasRedirected(reply: Reply): boolean
  /** Whether the client hides the head of this redirect. */
  isHiddenRedirect?(reply: Reply): boolean
  /** The body as text, within limits. It stays readable. */
  textOf(reply: Reply, limits: BodyLimits): Promise<string | undefined>
  /** Reads or cancels the rest of a reply that no caller gets, so that the connection is free again. */
  drain(reply: Reply, limits: BodyLimits): Promise<unknown>
  /** An event stream without its payment events. Undefined for any other reply. */
  metered(reply: Reply): Promise<Metered<Reply> | undefined>
  /** Tells if the body of a reply breaks off. Absent: the client does not show that. */
  onBroken?(reply: Reply, tell: () => void): void
  /** Makes a reply that no server sent. */
  replyOf(refusal: RefusalReply): Reply
}
