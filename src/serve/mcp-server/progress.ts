import type { ServerContext } from '@modelcontextprotocol/server'

/** How often progress is sent. A host ends a call without progress. */
const EVERY_MS = 8_000

/** Sends progress to the host every few seconds while a call works, if the host asked for it. */
export async function withProgress<T>({ mcpReq }: ServerContext, work: () => Promise<T>): Promise<T> {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return work()
  let progress = 0
  const timer = setInterval(() => {
    progress += EVERY_MS / 1_000
    // A host that has gone receives nothing, and its signal ends the call.
    mcpReq
      .notify({
        method: 'notifications/progress',
        params: { progressToken, progress, message: `Working for ${progress} s` },
      })
      .catch(() => undefined)
  }, EVERY_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
