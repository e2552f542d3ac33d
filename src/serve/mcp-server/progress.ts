import type { ServerContext } from '@modelcontextprotocol/server'

/** Hosts end a call that shows no sign of life. */
const EVERY_MS = 8_000

/** Tells the host every few seconds that a call is still working, if the host asked for it. */
export async function withProgress<T>({ mcpReq }: ServerContext, work: () => Promise<T>): Promise<T> {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return work()
  let progress = 0
  const timer = setInterval(() => {
    progress += EVERY_MS / 1_000
    // A host that has gone hears of nothing, and the call ends by its signal.
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
