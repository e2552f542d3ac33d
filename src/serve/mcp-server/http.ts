import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { createMcpHandler, type McpServer } from '@modelcontextprotocol/server'
import { HttpSessions } from './http-sessions.js'

/** A server on this machine. */
export interface RunningHttp {
  /** The address for hosts: `http://127.0.0.1:8410/mcp`. */
  readonly url: string
  close(): Promise<void>
}

/** The server's port, and the token that every request must carry. */
export interface HttpOptions {
  /** The port. With 0, the system chooses a free port. */
  readonly port: number
  readonly token: string
}

const LOOPBACK = '127.0.0.1'
const PATH = '/mcp'
/** The largest request. It is larger than any argument of a tool. */
const MOST_REQUEST_BYTES = 4 * 1024 * 1024

/**
 * Serves MCP by streamable HTTP, on the loopback address only. A web page must not be able to spend. So the server
 * checks the names in `Host` and `Origin` against DNS rebinding and foreign pages, and requires a bearer token.
 */
export async function serveHttp(
  makeServer: () => McpServer,
  { port, token }: HttpOptions,
): Promise<RunningHttp> {
  const handler = createMcpHandler(makeServer, { maxRequestBodySize: MOST_REQUEST_BYTES })
  const sessions = new HttpSessions(makeServer, MOST_REQUEST_BYTES)
  const serve = async (request: Request): Promise<Response> =>
    (await sessions.fetch(request)) ?? handler.fetch(request)
  const secret = digestOf(`Bearer ${token}`)
  const server = createServer((request, response) => {
    const refusal = refusalOf(request, portOf(server), secret)
    if (refusal !== undefined) return refuse(response, refusal)
    void answer(request, response, serve)
  })
  server.headersTimeout = 10_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, LOOPBACK, resolve)
  })
  return {
    url: `http://${LOOPBACK}:${portOf(server)}${PATH}`,
    close: async () => {
      await sessions.close()
      await handler.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

interface Refused {
  readonly status: number
  readonly says: string
}

/** Returns why a request is refused. */
function refusalOf(request: IncomingMessage, port: number, secret: Buffer): Refused | undefined {
  const { host = '', origin, authorization = '' } = request.headers
  const names = [LOOPBACK, 'localhost', '[::1]'].map((name) => `${name}:${port}`)
  if (!names.includes(host)) return { status: 421, says: 'This server answers only under its own address.' }
  if (origin !== undefined && !names.some((name) => origin === `http://${name}`))
    return { status: 403, says: 'Pages of other origins may not use this server.' }
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return { status: 403, says: 'Pages of other origins may not use this server.' }
  if (!timingSafeEqual(digestOf(authorization), secret))
    return { status: 401, says: 'Send the token: `Authorization: Bearer …`.' }
  if (request.url !== PATH) return { status: 404, says: `MCP is at ${PATH}.` }
  return undefined
}

function refuse(response: ServerResponse, { status, says }: Refused): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    connection: 'close',
  })
  response.end(`${says}\n`)
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  serve: (request: Request) => Promise<Response>,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    const { status, headers, body } = await serve(requestOf(request, gone.signal))
    response.writeHead(status, { ...Object.fromEntries(headers), 'cache-control': 'no-store' })
    if (body === null) response.end()
    else pipeline(Readable.from(body), response, () => response.destroy())
  } catch {
    if (!response.headersSent) refuse(response, { status: 400, says: 'The request cannot be read.' })
    else response.destroy()
  }
}

function requestOf(request: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', url = PATH, headers } = request
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] satisfies [string, string]],
  )
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(`http://${LOOPBACK}${url}`, {
    method,
    headers: given,
    signal,
    ...(hasBody ? { body: bytesOf(request), duplex: 'half' } : {}),
  })
}

function bytesOf(request: IncomingMessage): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      request.on('data', (chunk: Buffer) => controller.enqueue(new Uint8Array(chunk)))
      request.once('end', () => controller.close())
      request.once('error', (error) => controller.error(error))
    },
    cancel: () => void request.destroy(),
  })
}

/** Returns a digest. All digests have the same length, so a comparison reveals nothing about the token. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
