import { type FilterResult, LatestEvents, PaymentEventFilter } from '../http/wire/sse/index.js'
import type { Metered } from '../pay/index.js'
import type { Chunk, PaymentEventFilterLike, UndiciReply } from './reply.js'

/**
 * A stream of events, sifted while the caller's handler takes it: what comes while the handler has paused waits at the
 * socket, so that nothing is paid for what nobody reads. Undefined where the reply is none, or where it is encoded:
 * decoding is for an interceptor around this one, or for `fetch`.
 */
export function meterReply(reply: UndiciReply): Metered<UndiciReply> | undefined {
  const { 'content-type': type, 'content-encoding': encoding } = reply.headers
  if (!/^text\/event-stream\b/i.test(String(type)) || encoding !== undefined) return undefined
  const news = new LatestEvents()
  reply.through(sieveInto(news))
  return { reply, events: news, end: news.end }
}

function sieveInto(news: LatestEvents): PaymentEventFilterLike {
  const sieve = new PaymentEventFilter()
  const told = ({ pass, events }: FilterResult): Chunk[] => {
    for (const event of events) news.tell(event)
    return pass.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))
  }
  return {
    push: (chunk) => told(sieve.push(chunk)),
    end() {
      const rest = told(sieve.end())
      news.stop('whole')
      return rest
    },
    fail: () => news.stop('broken'),
  }
}
