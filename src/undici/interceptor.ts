import type { Dispatcher } from 'undici'
import { type Names, ownOptions } from '../errors/index.js'
import {
  HttpExchange,
  type HttpLimitsOptions,
  type HttpPaymentHandler,
  handlerOf,
  httpLimits,
  NOT_COPIED,
} from '../http/index.js'
import type { Instant } from '../money/index.js'
import { type CallOptions, ownCallOptions } from '../pay/index.js'
import { CallerController } from './caller-controller.js'
import type { ResponseHeadListener } from './dispatch.js'
import type { Handler, UndiciReply } from './reply.js'
import { dialled, originOf } from './request.js'
import { UndiciTransport } from './undici-transport.js'

/** Options of the interceptor. Each has a default. */
export interface InterceptorOptions {
  readonly now?: () => Instant
  /** Limits on the stored part of a request's body, and on reading a reply that the caller does not get. */
  readonly limits?: HttpLimitsOptions
  /**
   * The origin of the `Client` or `Pool` below. Such a dispatcher dials its own origin for every request: a request
   * that names no origin is paid there, and a request that names another one is never paid. Default: the origin that
   * each request names, as for an `Agent`.
   */
  readonly origin?: string | URL
  /** The payment options of every request through this dispatcher, such as `maxAmount`. Default: none. */
  readonly payment?: Omit<CallOptions, 'idempotencyKey'>
}

const OPTIONS: Names<InterceptorOptions> = { now: true, limits: true, origin: true, payment: true }

const REPLY = Symbol.for('purser.undici.reply')

/**
 * Makes an interceptor for undici's `compose`, so that every request through that dispatcher may pay.
 *
 * Compose it first, so that it is closest to the network: redirects, retries and caches around it then never see a
 * credential. Only `interceptors.dns` goes before it. Requests name their `origin`, as through an `Agent`; for a
 * `Client` or a `Pool` pass `options.origin`.
 *
 * @throws TypeError if `purser` is not a purser of this copy of the package, or if `origin` is not an origin.
 * @example
 * ```ts
 * import { Agent, interceptors, setGlobalDispatcher } from 'undici'
 *
 * setGlobalDispatcher(new Agent().compose(purserInterceptor(purser), interceptors.redirect()))
 * ```
 */
export function purserInterceptor(
  purser: object,
  options: InterceptorOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  return payingInterceptor(handlerOf(purser), options)
}

/** Makes the interceptor for the payment handler of a purser. */
export function payingInterceptor(
  paying: HttpPaymentHandler,
  options: InterceptorOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  const { now = Date.now, limits, origin, payment = {} } = ownOptions(options, OPTIONS, 'purserInterceptor()')
  const said = ownCallOptions<CallOptions>(payment, {}, 'payment')
  if (said.idempotencyKey !== undefined)
    throw new TypeError('An idempotency key names one request: send it as its Idempotency-Key header')
  const bounds = httpLimits(limits)
  const only = origin === undefined ? undefined : originOf(origin)
  if (origin !== undefined && only === undefined)
    throw new TypeError('`origin` must be an origin, such as https://api.example')
  return (dispatch) => (options, handler) => {
    const resource = dialled(options, only)
    if (resource === undefined || !paying.payable(resource))
      return dispatch(
        options,
        noting(handler, (reply) => paying.noteUnpaid(reply, resource)),
      )
    const caller = new CallerController(handler)
    const holder: { reply?: UndiciReply } = {}
    let exchange: HttpExchange<UndiciReply>
    try {
      const listener: ResponseHeadListener = {
        onRequestStart: (_, context) => caller.start({ ...Object(context), [REPLY]: holder }),
        onInfo: (...head) => caller.info(...head),
      }
      const settings = { dispatch, handler: paying, limits: bounds, listener }
      const transport = new UndiciTransport(options, resource, settings)
      exchange = new HttpExchange(resource, transport, { handler: paying, now, limits: bounds })
    } catch {
      // A request that cannot be copied is sent once, unchanged. Its 402 cannot be paid.
      return dispatch(
        options,
        noting(handler, (reply) => paying.noteUnpaid(reply, resource, [NOT_COPIED])),
      )
    }
    void deliver(paying.run(exchange, { ...said, signal: caller.signal }), caller, holder)
    return true
  }
}

/**
 * Wraps the handler of an unpaid request. It notes a 402, so that the caller can ask for the reason: see {@link
 * replyBehind}.
 */
function noting(handler: Handler, note: (reply: object) => void): Handler {
  // undici calls a handler of its older form by other names, so it is not wrapped.
  if (typeof handler.onRequestStart !== 'function') return handler
  const holder: { reply?: object } = {}
  return {
    onRequestStart: (controller, context) =>
      handler.onRequestStart?.(controller, { ...Object(context), [REPLY]: holder }),
    onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
    onResponseStart: (controller, status, headers, message) => {
      if (status === 402) {
        holder.reply = { status }
        note(holder.reply)
      }
      return handler.onResponseStart?.(controller, status, headers, message)
    },
    onResponseData: (...args) => handler.onResponseData?.(...args),
    onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
    onResponseError: (...args) => handler.onResponseError?.(...args),
  }
}

async function deliver(
  running: Promise<UndiciReply>,
  caller: CallerController,
  holder: { reply?: UndiciReply },
): Promise<void> {
  try {
    const reply = await running
    holder.reply = reply
    caller.carry(reply)
  } catch (thrown) {
    caller.fail(thrown)
  }
}

/**
 * Returns the reply for `purser.paymentFor`, from the result of `undici.request`.
 *
 * @example
 * ```ts
 * import { Agent, request } from 'undici'
 *
 * const dispatcher = new Agent().compose(purserInterceptor(purser))
 * const data = await request('https://api.search.example/v1/search?q=tea', { dispatcher })
 * const payment = purser.paymentFor(replyBehind(data) ?? data)
 * ```
 */
export function replyBehind(data: { readonly context: object }): object | undefined {
  const holder: unknown = Reflect.get(Object(data.context), REPLY)
  return typeof holder === 'object' && holder !== null && 'reply' in holder ? Object(holder.reply) : undefined
}
