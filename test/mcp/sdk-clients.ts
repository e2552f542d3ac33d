import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from '@modelcontextprotocol/client'
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { payingClient } from '../../src/mcp/index.js'

/** The client of an SDK, and the revision of MCP that it speaks. */
export type ClientLine = '1.x' | '2.x' | '2.x modern'

export const CLIENT_LINES: readonly ClientLine[] = ['1.x', '2.x', '2.x modern']

/** Where a server is: behind a URL, a program with arguments, or the other end of a transport. */
export type Where = URL | Program | ClientTransport

interface Program {
  readonly command: string
  readonly args: readonly string[]
}

/** A transport that fits the clients of both lines. */
export type ClientTransport = Parameters<OldClient['connect']>[0] & Parameters<NewClient['connect']>[0]

/** The paid calls of a client, with the results that all lines share. */
export interface PaidClient {
  callTool(name: string, options?: CallOptions): Promise<Readonly<Record<string, unknown>>>
  readResource(uri: string): Promise<Readonly<Record<string, unknown>>>
  getPrompt(name: string): Promise<Readonly<Record<string, unknown>>>
  close(): Promise<void>
}

export interface CallOptions {
  readonly meta?: Readonly<Record<string, unknown>>
  readonly timeout?: number
  readonly signal?: AbortSignal
  readonly onprogress?: () => void
}

const INFO = { name: 'a test', version: '1' }

function spawned({ command, args }: Program) {
  return { command, args: [...args], stderr: 'inherit' as const, env: { ...environment(), NODE_OPTIONS: '' } }
}

function environment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' }
}

/** Connects a paying client of an SDK. */
export async function connect(
  line: ClientLine,
  where: Where,
  purser: object,
  server = 'shop',
): Promise<PaidClient> {
  if (line === '1.x') {
    const client = payingClient(new OldClient(INFO), purser, { server })
    const transport =
      where instanceof URL ? new OldHttp(where) : 'start' in where ? where : new OldStdio(spawned(where))
    // The SDK's own transport does not fit its own interface under `exactOptionalPropertyTypes`.
    await Reflect.apply(client.connect, client, [transport])
    return {
      callTool: (name, { meta, ...options } = {}) =>
        client.callTool(
          { name, arguments: { query: 'tea' }, ...(meta && { _meta: { ...meta } }) },
          undefined,
          options,
        ),
      readResource: (uri) => client.readResource({ uri }),
      getPrompt: (name) => client.getPrompt({ name }),
      close: () => client.close(),
    }
  }
  const modern = line === '2.x modern' && { versionNegotiation: { mode: { pin: '2026-07-28' } } }
  const client = payingClient(new NewClient(INFO, { ...modern }), purser, { server })
  await client.connect(
    where instanceof URL ? new NewHttp(where) : 'start' in where ? where : new NewStdio(spawned(where)),
  )
  return {
    callTool: (name, { meta, ...options } = {}) =>
      client.callTool({ name, arguments: { query: 'tea' }, ...(meta && { _meta: { ...meta } }) }, options),
    readResource: (uri) => client.readResource({ uri }),
    getPrompt: (name) => client.getPrompt({ name }),
    close: () => client.close(),
  }
}
