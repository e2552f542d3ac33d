import type { Dispatcher } from 'undici'
import { ONCE } from '../util/objects.js'
import { type Controller, type Handler, UndiciReply } from './reply.js'

/** Called when a leg gets its connection, and with heads that only inform (1xx): what the first leg tells the caller. */
export interface ResponseHeadListener {
  readonly onRequestStart: NonNullable<Handler['onRequestStart']>
  readonly onInfo: (...head: Parameters<NonNullable<Handler['onResponseStart']>>) => void
}

/** A dispatch with any body that undici can send: it takes streams, iterables and blobs that its types leave out. */
export type DispatchOptions = Omit<Dispatcher.DispatchOptions, 'body'> & { readonly body: unknown }

/** Sends one leg, and parks its reply as soon as the head is in. */
export function dispatchRequest(
  dispatch: Dispatcher.Dispatch,
  options: DispatchOptions,
  signal: AbortSignal | undefined,
  herald?: ResponseHeadListener,
): Promise<UndiciReply> {
  return new Promise((resolve, reject) => {
    let reply: UndiciReply | undefined
    let history: unknown
    let release = () => {}
    const handler: Handler = {
      onRequestStart(controller, context) {
        history = historyOf(context)
        release()
        release = abortWith(controller, signal)
        if (!controller.aborted) herald?.onRequestStart(controller, context)
      },
      onResponseStart(controller, status, headers, message = '') {
        if (status < 200) return herald?.onInfo(controller, status, headers, message)
        reply = new UndiciReply({ status, message, headers }, controller, landedAt(history))
        resolve(reply)
      },
      onResponseData: (_, chunk) => reply?.push(chunk),
      onResponseEnd(controller, trailers) {
        release()
        if (reply) reply.end({ trailers, raw: controller.rawTrailers })
        else reject(new TypeError('The dispatcher beneath ended the request without an answer.'))
      },
      onResponseError(_, error) {
        release()
        if (reply) reply.end({ error })
        else reject(error)
      },
    }
    Reflect.apply(dispatch, undefined, [options, handler])
  })
}

function abortWith(controller: Controller, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => {}
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, ONCE)
  return () => signal.removeEventListener('abort', abort)
}

/** A redirecting interceptor beneath writes down where it has been; the last entry is where the reply came from. */
function landedAt(history: unknown): URL | undefined {
  const last: unknown = Array.isArray(history) && history.length > 1 ? history.at(-1) : undefined
  return last instanceof URL ? last : undefined
}

function historyOf(context: unknown): unknown {
  return typeof context === 'object' && context !== null && 'history' in context ? context.history : undefined
}
