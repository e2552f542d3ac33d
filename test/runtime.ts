/** The runtime that the tests run under. */
export type Runtime = 'node' | 'bun' | 'deno'

export function runtime(): Runtime {
  if ('bun' in process.versions) return 'bun'
  return 'deno' in process.versions ? 'deno' : 'node'
}
