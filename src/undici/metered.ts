import { type FilterResult, LatestEvents, PaymentEventFilter } from '../http/wire/sse/index.js'
import type { Metered } from '../pay/index.js'
import type { Chunk, PaymentEventFilterLike, UndiciReply } from './reply.js'

/**
 * Filters an event stream while the caller's handler takes it. While the handler has paused, data waits at the
 * socket, so that Purser does not pay for unread data. Undefined if the reply is no event stream, or if it is
 * encoded: then decode it in an interceptor around this one, or use `fetch`.
 */
export function meterReply(reply: UndiciReply): Metered<UndiciReply> | undefined {
  const { 'content-type': type, 'content-encoding': encoding } = reply.headers
  if (!/^text\/event-stream\b/i.test(String(type)) || encoding !== undefined) return undefined
  const latest = new LatestEvents()
  reply.through(filterInto(latest))
  return { reply, events: latest, end: latest.end }
}

function filterInto(latest: LatestEvents): PaymentEventFilterLike {
  const filter = new PaymentEventFilter()
  const passed = ({ pass, events }: FilterResult): Chunk[] => {
    for (const event of events) latest.tell(event)
    return pass.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))
  }
  return {
    push: (chunk) => passed(filter.push(chunk)),
    end() {
      const rest = passed(filter.end())
      latest.stop('whole')
      return rest
    },
    fail: () => latest.stop('broken'),
  }
}
