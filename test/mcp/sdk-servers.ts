import { McpServer as OldServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpError } from '@modelcontextprotocol/sdk/types.js'
import { McpServer as NewServer, ProtocolError } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { REQUIRED } from './kit.js'

/** What a paid operation does with a call: it asks for money, or adds a receipt to its result. */
export type Gated =
  | { readonly kind: 'ask'; readonly code: number; readonly message: string; readonly data: object }
  | { readonly kind: 'serve'; readonly receipt: <R extends object>(result: R) => R }

/** Decides about a call by its `_meta`. */
export type Gate = (meta: Readonly<Record<string, unknown>> | undefined) => Promise<Gated>

/** How a server asks: by an error, or by a result, which is the only way on the revision of 2026-07-28. */
export type Form = 'error' | 'result'

export interface ServerOptions {
  readonly gate: Gate
  readonly form?: Form
  /** Called by the tool `slow` before it answers. */
  readonly slow?: () => Promise<unknown>
}

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })
const TEA = { contents: [{ uri: 'docs://tea', text: 'a page about tea' }] }
const GREETING = { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'hello' } }] }
const INFO = { name: 'a paid server', version: '1' }

interface Asking {
  readonly form: Form
  readonly error: (code: number, message: string, data: object) => Error
}

/** Runs a paid operation: the result with its receipt, or the demand in the form of the server. */
async function paid<R extends object>(
  gate: Gate,
  meta: Readonly<Record<string, unknown>> | undefined,
  result: R,
  { form, error }: Asking,
  bare: R,
): Promise<R> {
  const gated = await gate(meta)
  if (gated.kind === 'serve') return gated.receipt(result)
  if (form === 'error') throw error(gated.code, gated.message, gated.data)
  return { ...bare, _meta: { [REQUIRED]: gated.data } }
}

/** A server of `@modelcontextprotocol/sdk`: tools `search`, `free`, `fails` and `slow`, a resource and a prompt. */
export function oldServer({ gate, form = 'error', slow }: ServerOptions): OldServer {
  const server = new OldServer(INFO)
  const asking = { form, error: (...all: ConstructorParameters<typeof McpError>) => new McpError(...all) }
  const failed = { ...text('pay first'), isError: true }
  const query = { query: z.string().optional() }
  server.registerTool('search', { inputSchema: query, outputSchema: { found: z.number() } }, (_, { _meta }) =>
    paid(gate, _meta, { ...text('one result'), structuredContent: { found: 1 } }, asking, {
      ...failed,
      structuredContent: { found: 0 },
    }),
  )
  server.registerTool('free', { inputSchema: query }, () => text('free of charge'))
  server.registerTool('fails', { inputSchema: query }, (_, { _meta }) =>
    paid(gate, _meta, { ...text('out of order'), isError: true }, asking, failed),
  )
  server.registerTool('slow', { inputSchema: query }, async (_, { _meta, sendNotification }) => {
    const result = await paid(gate, _meta, { ...text('at last'), isError: false }, asking, failed)
    const progressToken = _meta?.progressToken
    if (progressToken !== undefined)
      await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
    await slow?.()
    return result
  })
  server.registerResource('tea', 'docs://tea', {}, (_, { _meta }) =>
    paid(gate, _meta, TEA, asking, { contents: [] }),
  )
  server.registerPrompt('greet', {}, ({ _meta }) => paid(gate, _meta, GREETING, asking, { messages: [] }))
  return server
}

/** The same on `@modelcontextprotocol/server`. */
export function newServer({ gate, form = 'error', slow }: ServerOptions): NewServer {
  const server = new NewServer(INFO)
  const asking = {
    form,
    error: (code: number, message: string, data: object) => new ProtocolError(code, message, data),
  }
  const failed = { ...text('pay first'), isError: true }
  const query = z.object({ query: z.string().optional() })
  const outputSchema = z.object({ found: z.number() })
  server.registerTool('search', { inputSchema: query, outputSchema }, (_, { mcpReq }) =>
    paid(gate, mcpReq._meta, { ...text('one result'), structuredContent: { found: 1 } }, asking, {
      ...failed,
      structuredContent: { found: 0 },
    }),
  )
  server.registerTool('free', { inputSchema: query }, () => text('free of charge'))
  server.registerTool('fails', { inputSchema: query }, (_, { mcpReq }) =>
    paid(gate, mcpReq._meta, { ...text('out of order'), isError: true }, asking, failed),
  )
  server.registerTool('slow', { inputSchema: query }, async (_, { mcpReq }) => {
    const result = await paid(gate, mcpReq._meta, { ...text('at last'), isError: false }, asking, failed)
    await slow?.()
    return result
  })
  server.registerResource('tea', 'docs://tea', {}, (_, { mcpReq }) =>
    paid(gate, mcpReq._meta, TEA, asking, { contents: [] }),
  )
  server.registerPrompt('greet', {}, ({ mcpReq }) =>
    paid(gate, mcpReq._meta, GREETING, asking, { messages: [] }),
  )
  return server
}
