import type { JsonObject } from '../protocol/index.js'

/** The money of a stream that is paid for while it is read. */
export interface StreamMeter {
  /** The claims of a request for more money. Undefined if this event is paid for; the first is number 0. */
  missing(event: number): JsonObject | undefined
  /** Resolves when another voucher was accepted. */
  more(): Promise<void>
  /** The reader has gone: nobody waits for a voucher any more. */
  stop(): void
  /** The receipt at the end. */
  receipt(): JsonObject
}

/** Makes a stream of server-sent events. With a meter, it asks for money before each event that is not paid for. */
export function eventStream(events: readonly string[], meter: StreamMeter | undefined): Response {
  const frames = framesOf(events, meter)
  const utf8 = new TextEncoder()
  let read = true
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await frames.next()
      if (!read) return
      if (done === true) controller.close()
      else controller.enqueue(utf8.encode(value))
    },
    cancel() {
      read = false
      meter?.stop()
      // It ends at its next event. Nobody waits for that.
      void frames.return(undefined)
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

async function* framesOf(
  events: readonly string[],
  meter: StreamMeter | undefined,
): AsyncGenerator<string, undefined> {
  for (const [index, event] of events.entries()) {
    for (let claims = meter?.missing(index); claims !== undefined; claims = meter?.missing(index)) {
      const paid = meter?.more()
      yield frame('payment-need-voucher', claims)
      await paid
    }
    yield `data: ${event.replaceAll('\n', '\ndata: ')}\n\n`
  }
  if (meter !== undefined) yield frame('payment-receipt', meter.receipt())
  return undefined
}

function frame(name: string, data: JsonObject): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
