import type { Purser } from '../../src/index.js'
import { type McpTransport, payingTransport, type RpcResponse } from '../../src/mcp/index.js'

/** A transport of MCP messages over plain HTTP: one request for each message, and one message in each line of the answer. */
export class LineTransport implements McpTransport {
  onclose: (() => void) | undefined
  onerror: ((error: Error) => void) | undefined
  onmessage: McpTransport['onmessage']
  readonly #url: string
  readonly #open = new Set<AbortController>()

  constructor(url: string) {
    this.#url = url
  }

  async start(): Promise<void> {}

  async send(message: object): Promise<void> {
    const control = new AbortController()
    this.#open.add(control)
    const reply = await fetch(this.#url, {
      method: 'POST',
      body: JSON.stringify(message),
      signal: control.signal,
    })
    void this.#read(reply).catch(() => undefined)
  }

  async close(): Promise<void> {
    for (const control of this.#open) control.abort()
    this.onclose?.()
  }

  async #read(reply: Response): Promise<void> {
    const decoder = new TextDecoder()
    let parts: string[] = []
    for await (const chunk of reply.body ?? []) {
      const [first = '', ...lines] = decoder.decode(chunk, { stream: true }).split('\n')
      parts.push(first)
      for (const line of lines) {
        this.#hand(parts.join(''))
        parts = [line]
      }
    }
    this.#hand(parts.join(''))
  }

  #hand(line: string): void {
    if (line !== '') this.onmessage?.(JSON.parse(line))
  }
}

let ids = 0

/** Sends a request over a transport. A caller that gives up cancels it, as clients do, and waits a moment longer. */
export function requestOver(
  transport: McpTransport,
  method: string,
  params: object,
  signal?: AbortSignal | null,
): Promise<RpcResponse> {
  const id = ++ids
  return new Promise((resolve, reject) => {
    transport.onmessage = (message) => {
      if ('id' in message && message.id === id) resolve({ jsonrpc: '2.0', ...message, id })
    }
    signal?.addEventListener('abort', () => {
      const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }
      void (async () => transport.send(cancelled))().catch(() => undefined)
      setTimeout(() => reject(signal.reason), 150)
    })
    transport.send({ jsonrpc: '2.0', id, method, params }).catch(reject)
  })
}

/** A `fetch` that calls the tools of an MCP server: the path of a URL is the tool. */
export function mcpCaller(purser: Purser, servers: ReadonlyMap<string, string>) {
  const transports: McpTransport[] = []
  return {
    async fetch(input: string, init: RequestInit = {}): Promise<Response> {
      const { origin, pathname } = new URL(input)
      const server = servers.get(origin) ?? 'unknown'
      const transport = payingTransport(new LineTransport(origin), purser, { server })
      transports.push(transport)
      // As clients do: they list the tools, and hand the descriptions to a model.
      await requestOver(transport, 'tools/list', {})
      return responseOf(await requestOver(transport, 'tools/call', { name: pathname.slice(1) }, init.signal))
    },
    async close() {
      for (const transport of transports) await transport.close()
      await purser.close()
    },
  }
}

/** A JSON-RPC answer as HTTP would have it, for the table. */
function responseOf({ result, error }: RpcResponse): Response {
  if (error === undefined) {
    const failed = Object(result).isError === true
    return new Response(JSON.stringify(result), { status: failed ? 500 : 200 })
  }
  const { code, funds } = Object(error.data)
  if (error.code !== 402) return new Response(error.message, { status: error.code === -32042 ? 402 : 500 })
  if (funds !== 'untouched') throw Object.assign(new Error(error.message), { code })
  return new Response(JSON.stringify(error.data), { status: 402, headers: { 'x-should-retry': 'false' } })
}
