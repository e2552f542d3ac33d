import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { toNodeHandler } from '@modelcontextprotocol/node'
import type { McpServer as OldServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { newServer, oldServer, type ServerOptions } from './sdk-servers.js'

/** A server on a free loopback port. */
export interface HttpServer {
  readonly url: URL
  close(): Promise<void>
}

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<unknown>

/** Serves `@modelcontextprotocol/sdk` over streamable HTTP, with sessions. */
export function serveOld(options: ServerOptions): Promise<HttpServer> {
  return serveEach(() => oldServer(options))
}

/** Serves one server of `@modelcontextprotocol/sdk` for each session. */
export function serveEach(make: () => OldServer): Promise<HttpServer> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  return listen(async (request, response) => {
    const known = sessions.get(String(request.headers['mcp-session-id']))
    if (known !== undefined) return known.handleRequest(request, response)
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    // The SDK's own transport does not fit its own interface under `exactOptionalPropertyTypes`.
    const server = make()
    await Reflect.apply(server.connect, server, [transport])
    return transport.handleRequest(request, response)
  })
}

/** Serves `@modelcontextprotocol/server` over streamable HTTP, in the revisions before 2026 and in that of 2026-07-28. */
export function serveNew(options: ServerOptions): Promise<HttpServer> {
  const handle = toNodeHandler(createMcpHandler(() => newServer(options)))
  return listen((request, response) => Reflect.apply(handle, undefined, [request, response]))
}

/** Listens on a free loopback port. */
export async function listen(handle: Handle): Promise<HttpServer> {
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
