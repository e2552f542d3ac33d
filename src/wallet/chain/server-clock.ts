import type { ServerTime } from '../port.js'

/** A `fetch` that remembers the time that its servers report. */
export interface ServerClock {
  readonly fetch: typeof globalThis.fetch
  times(): readonly ServerTime[]
}

/** Remembers the latest `Date` of each server that is reached by https. */
export function serverClock(fetch: typeof globalThis.fetch): ServerClock {
  const heard = new Map<string, ServerTime>()
  return {
    times: () => [...heard.values()],
    async fetch(input, init) {
      const reply = await fetch(input, init)
      const at = Date.parse(reply.headers?.get('date') ?? '')
      const url = new URL(input instanceof Request ? input.url : input)
      if (url.protocol === 'https:' && !Number.isNaN(at))
        heard.set(url.hostname, { host: url.hostname, at, since: performance.now() })
      return reply
    },
  }
}
