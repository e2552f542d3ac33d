/** A server whose tools do not answer, as a function and as a program for stdio: `tsx waiting-server.ts`. */
import { pathToFileURL } from 'node:url'
import { McpServer, type ServerContext } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'
import { CREDENTIAL, challenge, RECEIPT, REQUIRED } from './messages.js'

/** The calls that a server has had. */
export interface Counts {
  /** Calls without a credential. */
  asked: number
  paid: number
  /** Calls that the client has cancelled. */
  cancelled: number
}

export function counts(): Counts {
  return { asked: 0, paid: 0, cancelled: 0 }
}

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

/**
 * Tools: `search` is paid. `never` does not answer its first request. `after-payment` asks, and does not answer the payment.
 * `counts` is free. `die` ends the process.
 */
export function waitingServer(seen: Counts): McpServer {
  const server = new McpServer({ name: 'waiting', version: '1' })
  const inputSchema = z.object({ query: z.string().optional() })
  const untilCancelled = ({ mcpReq: { signal } }: ServerContext) =>
    new Promise<ReturnType<typeof text>>((resolve) => {
      const cancelled = (): void => {
        seen.cancelled++
        resolve(text('too late'))
      }
      if (signal.aborted) cancelled()
      else signal.addEventListener('abort', cancelled)
    })
  const credentialIn = ({ mcpReq }: ServerContext): unknown => {
    const credential: unknown = Object(mcpReq._meta)[CREDENTIAL]
    if (credential === undefined) seen.asked++
    else seen.paid++
    return credential
  }
  const demand = () => ({
    ...text('pay first'),
    isError: true,
    _meta: { [REQUIRED]: { challenges: [challenge()] } },
  })
  server.registerTool('search', { inputSchema }, (_, ctx) => {
    const credential = credentialIn(ctx)
    if (credential === undefined) return demand()
    const challengeId = Object(Object(credential).challenge).id
    return { ...text('found'), _meta: { [RECEIPT]: { status: 'success', method: 'tempo', challengeId } } }
  })
  server.registerTool('never', { inputSchema }, (_, ctx) => {
    credentialIn(ctx)
    return untilCancelled(ctx)
  })
  server.registerTool('after-payment', { inputSchema }, (_, ctx) =>
    credentialIn(ctx) === undefined ? demand() : untilCancelled(ctx),
  )
  server.registerTool('counts', { inputSchema }, () => text(JSON.stringify(seen)))
  server.registerTool('die', { inputSchema }, () => process.exit(1))
  return server
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const seen = counts()
  serveStdio(() => waitingServer(seen))
}
