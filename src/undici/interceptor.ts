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

/** Each has a default. */
export interface InterceptorOptions {
  readonly now?: () => Instant
  /** Bounds on what is kept of a request's body, and read of a reply that is not handed on. */
  readonly limits?: HttpLimitsOptions
  /**
   * The origin that a `Client` or a `Pool` beneath was made for. They dial it whatever a request names: requests that
   * name none are then paid for there, and requests that name another one never are. Default: what each request names,
   * as an `Agent` wants it.
   */
  readonly origin?: string | URL
  /** What every request through this dispatcher may say about its payment, such as `maxAmount`. Default: nothing. */
  readonly payment?: Omit<CallOptions, 'idempotencyKey'>
}

const OPTIONS: Names<InterceptorOptions> = { now: true, limits: true, origin: true, payment: true }

const REPLY = Symbol.for('purser.undici.reply')

/**
 * An interceptor for undici's `compose`: every request through that dispatcher may pay.
 *
 * Compose it first, so that it stands closest to the network: redirects, retries and caches around it then never
 * see a credential; only `interceptors.dns` goes before it. Requests name their `origin`, as those through an `Agent` do;
 * over a `Client` or a `Pool` say theirs as `options.origin`.
 *
 * @throws TypeError if `purser` is none of this copy of the package, or `origin` is none.
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

/** The interceptor, over the payment handler of a purser. */
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
    const front = new CallerController(handler)
    const holder: { reply?: UndiciReply } = {}
    let exchange: HttpExchange<UndiciReply>
    try {
      const listener: ResponseHeadListener = {
        onRequestStart: (_, context) => front.start({ ...Object(context), [REPLY]: holder }),
        onInfo: (...head) => front.info(...head),
      }
      const settings = { dispatch, handler: paying, limits: bounds, listener }
      const transport = new UndiciTransport(options, resource, settings)
      exchange = new HttpExchange(resource, transport, { handler: paying, now, limits: bounds })
    } catch {
      // A request that cannot be copied is sent once, as it is: its 402 cannot be paid.
      return dispatch(
        options,
        noting(handler, (reply) => paying.noteUnpaid(reply, resource, [NOT_COPIED])),
      )
    }
    void deliver(paying.run(exchange, { ...said, signal: front.signal }), front, holder)
    return true
  }
}

/** The same handler. A 402 that nobody pays is noted, so that its caller can ask why: see {@link replyBehind}. */
function noting(handler: Handler, note: (reply: object) => void): Handler {
  // A handler of undici's older form is called by other names, and goes its own way.
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
  story: Promise<UndiciReply>,
  front: CallerController,
  holder: { reply?: UndiciReply },
): Promise<void> {
  try {
    const reply = await story
    holder.reply = reply
    front.carry(reply)
  } catch (thrown) {
    front.fail(thrown)
  }
}

/**
 * What to ask `purser.paymentFor` about: the reply behind what `undici.request` returned.
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
