import type { Dispatcher } from 'undici'
import { ONCE } from '../util/objects.js'
import { type Controller, type Handler, UndiciReply } from './reply.js'

/** Hears when a request gets its connection, and its informational heads (1xx). The first request of a call has one. */
export interface ResponseHeadListener {
  readonly onRequestStart: NonNullable<Handler['onRequestStart']>
  readonly onInfo: (...head: Parameters<NonNullable<Handler['onResponseStart']>>) => void
}

/** A dispatch with any body that undici can send: its types omit streams, iterables and blobs. */
export type DispatchOptions = Omit<Dispatcher.DispatchOptions, 'body'> & { readonly body: unknown }

/** Sends one request, and holds its reply as soon as the head arrives. */
export function dispatchRequest(
  dispatch: Dispatcher.Dispatch,
  options: DispatchOptions,
  signal: AbortSignal | undefined,
  listener?: ResponseHeadListener,
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
        if (!controller.aborted) listener?.onRequestStart(controller, context)
      },
      onResponseStart(controller, status, headers, message = '') {
        if (status < 200) return listener?.onInfo(controller, status, headers, message)
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

/** A redirecting interceptor below stores its path; the last entry is the address of the reply. */
function landedAt(history: unknown): URL | undefined {
  const last: unknown = Array.isArray(history) && history.length > 1 ? history.at(-1) : undefined
  return last instanceof URL ? last : undefined
}

function historyOf(context: unknown): unknown {
  return typeof context === 'object' && context !== null && 'history' in context ? context.history : undefined
}
