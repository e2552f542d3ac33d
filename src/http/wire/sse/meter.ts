import type { Metered } from '../../../pay/index.js'
import { PaymentEventFilter } from './frames.js'
import { LatestEvents } from './latest-events.js'

/** Filters an event stream while the caller reads it. Undefined if the reply has no readable body. */
export function meterReply(reply: Response): Metered<Response> | undefined {
  if (reply.body === null || reply.bodyUsed || reply.body.locked) return undefined
  const latest = new LatestEvents()
  return { reply: withBody(filtered(reply, latest), reply), events: latest, end: latest.end }
}

/**
 * Returns the body without its payment events. It is read only as far as the caller pulls. A caller that waits for
 * data is pulling, so Purser always sees that the server waits for money. Unread data is not paid.
 */
function filtered(reply: Response, latest: LatestEvents): ReadableStream<Uint8Array> {
  const filter = new PaymentEventFilter()
  // Taken with the first pull, and only while the reply exists: runtimes free the connection of an unread reply when
  // they collect it, but not if its body was taken.
  let source: ReadableStreamDefaultReader<Uint8Array> | undefined
  let over = false
  const stop = (how: 'whole' | 'broken'): void => {
    over = true
    latest.stop(how)
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
          const { pass, events } = done ? filter.end() : filter.push(value)
          for (const event of events) latest.tell(event)
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
    // Nothing is read before the caller asks for it.
    { highWaterMark: 0 },
  )
}

/** Returns the reply with another body: the same status and headers, and the URL that only `fetch` itself can set. */
function withBody(body: ReadableStream<Uint8Array>, reply: Response): Response {
  const { status, statusText } = reply
  const headers = new Headers(reply.headers)
  // The length of the original body; this one is shorter.
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
