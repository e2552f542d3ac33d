/** The runtime that the tests run under. */
export type Runtime = 'node' | 'bun' | 'deno'

export function runtime(): Runtime {
  if ('bun' in process.versions) return 'bun'
  return 'deno' in process.versions ? 'deno' : 'node'
}

/**
 * What a runtime's own `fetch` sends although the Fetch standard refuses it, by the name of the test. A paying fetch
 * does what the one beneath it does: there it has to send it too.
 */
export const SENT_ALL_THE_SAME: Readonly<Record<Runtime, readonly string[]>> = {
  node: [],
  bun: ['a bad method', 'a bad mode', 'a stream without duplex'],
  deno: ['a stream without duplex'],
}
