import type { HeardTime } from '../port.js'

/** A `fetch` that remembers what time its servers say it is. */
export interface Listening {
  readonly fetch: typeof globalThis.fetch
  times(): readonly HeardTime[]
}

/** Remembers the latest `Date` of each server that is reached by https. */
export function listening(fetch: typeof globalThis.fetch): Listening {
  const heard = new Map<string, HeardTime>()
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
