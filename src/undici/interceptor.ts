import type { Dispatcher } from 'undici'
import { type HttpLimits, httpLimits } from '../fetch/index.js'
import type { Instant } from '../money/index.js'
import { faceOf, type PayingFace } from '../pay/index.js'
import { Front } from './dispatch.js'
import type { Handler, UndiciReply } from './reply.js'
import { dialled } from './request.js'
import { UndiciExchange } from './undici-exchange.js'

/** Each has a default. */
export interface InterceptorOptions {
  readonly now?: () => Instant
  readonly limits?: Partial<HttpLimits>
}

const REPLY = Symbol.for('purser.undici.reply')

/**
 * An interceptor for undici's `compose`: every request through that dispatcher may pay.
 *
 * Compose it first, so that it stands closest to the network: redirects, retries and caches around it then never
 * see a credential. It wants requests that name their `origin`, as those through an `Agent` do.
 *
 * @throws TypeError if `purser` is none of this copy of the package.
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
  return payingInterceptor(faceOf(purser), options)
}

/** The interceptor, over the face of a purser. */
export function payingInterceptor(
  face: PayingFace,
  { now = Date.now, limits }: InterceptorOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  const bounds = httpLimits(limits)
  return (dispatch) => (options, handler) => {
    const resource = dialled(options)
    if (resource === undefined || !face.payable(resource)) return dispatch(options, handler)
    const front = new Front()
    const holder: { reply?: UndiciReply } = {}
    let exchange: UndiciExchange
    try {
      const herald = {
        onRequestStart: (_: unknown, context: unknown) =>
          handler.onRequestStart?.(front, { ...Object(context), [REPLY]: holder }),
        onInfo: (_: unknown, ...head: HeadOf) => handler.onResponseStart?.(front, ...head),
      }
      exchange = new UndiciExchange(options, resource, { dispatch, face, now, limits: bounds, herald })
    } catch {
      // What cannot be set aside goes its own way, without any hope of paying.
      return dispatch(options, handler)
    }
    void deliver(face.run(exchange, { signal: front.signal }), front, handler, holder)
    return true
  }
}

type HeadOf =
  Parameters<NonNullable<Handler['onResponseStart']>> extends [unknown, ...infer Rest] ? Rest : never

async function deliver(
  story: Promise<UndiciReply>,
  front: Front,
  handler: Handler,
  holder: { reply?: UndiciReply },
): Promise<void> {
  try {
    const reply = await story
    holder.reply = reply
    front.carry(reply, handler)
  } catch (thrown) {
    // Also what the handler throws at a head it is given: undici would fail the request with it.
    const error = thrown instanceof Error ? thrown : new TypeError(String(thrown))
    front.abort(error)
    // Once the caller has a head, the aborted reply itself says how it ended.
    if (!front.carries) handler.onResponseError?.(front, error)
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
