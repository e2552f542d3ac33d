import type { PaymentHandler } from '../pay/index.js'
import type { Resource } from '../protocol/index.js'
import type * as codecs from './wire/index.js'

/** The readers and writers of payments in HTTP messages. */
export type HttpCodecs = typeof codecs

/** A purser's payment handler, with the answers that only HTTP needs. */
export interface HttpPaymentHandler extends PaymentHandler {
  /** The `Accept-Payment` value: the payments that the wallets can make, in the caller's order. */
  readonly acceptPayment: string
  /** Whether the credential may replace the caller's own `Authorization` at this resource. */
  replacesAuthorization(resource: Resource): boolean
  /** Whether a browser may send an `Idempotency-Key` to this resource across origins. */
  sendsIdempotencyKey(resource: Resource): boolean
  /** Loads the codecs. A call that the server does not charge for needs none of them. */
  readonly codecs: () => Promise<HttpCodecs>
}

const handlers = new WeakMap<object, HttpPaymentHandler>()

/** Makes the handler of a purser known to HTTP transports, and to nobody else. */
export function registerHandler(owner: object, handler: HttpPaymentHandler): void {
  handlers.set(owner, handler)
}

/**
 * The handler of a purser.
 *
 * @throws TypeError if this is not a purser of this copy of the package.
 */
export function handlerOf(owner: object): HttpPaymentHandler {
  const handler = handlers.get(owner)
  if (handler === undefined)
    throw new TypeError('This is not a purser, or one of another copy of the package')
  return handler
}
