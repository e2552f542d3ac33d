import { randomUUID } from 'node:crypto'
import {
  isInitializeRequest,
  isJSONRPCRequest,
  type McpServer,
  readRequestBody,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'

/** The most sessions that are open. A new one ends the one that was not used for the longest time. */
const MOST_SESSIONS = 64
const SESSION_HEADER = 'mcp-session-id'

/**
 * The sessions of hosts that speak a revision before 2026-07-28. A session lets the server ask the host during a call. The
 * newest revision needs no session.
 */
export class HttpSessions {
  readonly #makeServer: () => McpServer
  readonly #mostBytes: number
  /** By their id, the one that was not used for the longest time first. */
  readonly #open = new Map<string, WebStandardStreamableHTTPServerTransport>()

  /** @param mostBytes - The size of the largest request. */
  constructor(makeServer: () => McpServer, mostBytes: number) {
    this.#makeServer = makeServer
    this.#mostBytes = mostBytes
  }

  /**
   * Serves a request of a session, or one that starts a session.
   *
   * @returns Undefined if the request belongs to no session. After a restart of this program that is also true for the
   * sessions of before: their requests can still be served, but without questions to the host.
   */
  async fetch(request: Request): Promise<Response | undefined> {
    const id = request.headers.get(SESSION_HEADER)
    const session = id === null ? undefined : this.#open.get(id)
    if (session === undefined && (id !== null || request.method !== 'POST')) return undefined
    if (request.method !== 'POST') return session?.handleRequest(request)
    const message = await messageIn(request.clone(), this.#mostBytes)
    if (session === undefined || id === null)
      return isInitializeRequest(message) ? this.#start(request) : undefined
    this.#open.delete(id)
    this.#open.set(id, session)
    if (isJSONRPCRequest(message)) cancelIfGone(session, message.id, request.signal)
    return session.handleRequest(request)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((session) => session.close()))
    this.#open.clear()
  }

  async #start(request: Request): Promise<Response> {
    const session: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      maxRequestBodySize: this.#mostBytes,
      onsessioninitialized: (id) => this.#add(id, session),
      onsessionclosed: (id) => void this.#open.delete(id),
    })
    await this.#makeServer().connect(session)
    return session.handleRequest(request)
  }

  #add(id: string, session: WebStandardStreamableHTTPServerTransport): void {
    this.#open.set(id, session)
    const [oldest] = this.#open
    if (this.#open.size <= MOST_SESSIONS || oldest === undefined) return
    this.#open.delete(oldest[0])
    void oldest[1].close()
  }
}

/** Returns the message of a request. Undefined if it cannot be read: the handler of the SDK then says why. */
async function messageIn(request: Request, mostBytes: number): Promise<unknown> {
  const body = await readRequestBody(request, mostBytes)
  if (body.tooLarge) return undefined
  try {
    return JSON.parse(body.text)
  } catch {
    return undefined
  }
}

/** A host that hangs up gets no answer to its call any more. So the call ends, and is not paid. */
function cancelIfGone(
  session: WebStandardStreamableHTTPServerTransport,
  requestId: string | number,
  gone: AbortSignal,
): void {
  const cancelled = { jsonrpc: '2.0' as const, method: 'notifications/cancelled', params: { requestId } }
  gone.addEventListener('abort', () => session.onmessage?.(cancelled), { once: true })
}
