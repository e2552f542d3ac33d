import type { Metered } from '../../../pay/index.js'
import { PaymentEventFilter } from './frames.js'
import { LatestEvents } from './latest-events.js'

/** A stream of events, sifted while the caller reads it. Undefined where there is none to read. */
export function meterReply(reply: Response): Metered<Response> | undefined {
  if (reply.body === null || reply.bodyUsed || reply.body.locked) return undefined
  const news = new LatestEvents()
  return { reply: dressed(sifted(reply, news), reply), events: news, end: news.end }
}

/**
 * The body without what is about money. It is read only as the caller pulls: no further than the caller wants, and,
 * since a caller who waits for data is pulling, a server's word that it waits for money is always seen by then. What
 * nobody reads is not paid on.
 */
function sifted(reply: Response, news: LatestEvents): ReadableStream<Uint8Array> {
  const sieve = new PaymentEventFilter()
  // Not taken before the first pull, and with the reply in hand: runtimes free the connection of a reply that nobody
  // reads when it is collected, but neither while somebody could, nor once its body was taken.
  let source: ReadableStreamDefaultReader<Uint8Array> | undefined
  let over = false
  const stop = (how: 'whole' | 'broken'): void => {
    over = true
    news.stop(how)
  }
  const open = (controller: ReadableStreamDefaultController): typeof source => {
    const reader = reply.body?.getReader()
    // An abort is heard at once, and not with the next read.
    reader?.closed.catch((error: unknown) => {
      stop('broken')
      controller.error(error)
    })
    return reader
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        source ??= open(controller)
        for (let passed = 0; source !== undefined && passed === 0; ) {
          const { done, value } = await source.read()
          if (over) return
          const { pass, events } = done ? sieve.end() : sieve.push(value)
          for (const event of events) news.tell(event)
          for (const piece of pass) controller.enqueue(piece)
          passed = pass.length
          if (!done) continue
          stop('whole')
          controller.close()
          return
        }
      },
      async cancel(reason) {
        stop('broken')
        await (source?.cancel(reason) ?? reply.body?.cancel(reason))
      },
    },
    // Nothing is read that was not asked for.
    { highWaterMark: 0 },
  )
}

/** The reply with another body: same status and headers, and the address that only `fetch` itself can give one. */
function dressed(body: ReadableStream<Uint8Array>, reply: Response): Response {
  const { status, statusText } = reply
  const headers = new Headers(reply.headers)
  // Of the body that came; this one is shorter.
  headers.delete('content-length')
  return alike(new Response(body, { status, statusText, headers }), reply)
}

function alike(made: Response, { url, redirected, type }: Response): Response {
  const clone = (): Response => alike(Response.prototype.clone.call(made), made)
  return Object.defineProperties(made, {
    url: { value: url },
    redirected: { value: redirected },
    type: { value: type },
    clone: { value: clone },
  })
}
