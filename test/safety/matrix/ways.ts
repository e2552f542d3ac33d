import { jsonRpc, type McpTransport, payingTransport, type RpcResponse } from '../../../src/mcp/index.js'
import { type Call, type Got, gotOf } from '../kit.js'
import { LineTransport, requestOver } from '../mcp-caller.js'
import type { ServerName } from '../server.js'

/** The protocol of a payment. */
export type Way = 'http' | 'mcp' | 'jsonrpc'

export const ALL_WAYS: readonly Way[] = ['http', 'mcp', 'jsonrpc']

/** The parts of an MCP transport, or the function that sends plain JSON-RPC, with one of them failing. */
export interface RpcFault {
  /** Takes the place of the function that sends. */
  readonly send?: (inner: (message: object) => Promise<unknown>, message: object) => unknown
  /** Takes the place of the function of the client that gets the answers. */
  readonly receive?: () => unknown
}

/** How a way names the vendor, calls it, and which of its servers behaves like the one over HTTP. */
export interface Route {
  vendor(origin: string): string
  readonly servers: Readonly<Partial<Record<ServerName, ServerName>>>
  /** Undefined: `fetch`. */
  call(origin: string, fault: RpcFault): Call | undefined
}

const MCP_SERVERS = { honest: 'mcp-honest', 'verification-failed': 'mcp-rejects' } as const

export const ROUTES: Readonly<Record<Way, Route>> = {
  http: { vendor: (origin) => origin, servers: {}, call: () => undefined },
  mcp: { vendor: () => 'mcp:shop', servers: MCP_SERVERS, call: callTool },
  jsonrpc: { vendor: () => 'jsonrpc:shop', servers: MCP_SERVERS, call: callMethod },
}

/** Calls a tool, through a paying transport. */
function callTool(origin: string, fault: RpcFault): Call {
  return (purser, input, init) =>
    gotOf(async () => {
      const inner: McpTransport = new LineTransport(origin)
      const { send, receive } = fault
      const own = inner.send.bind(inner)
      if (send !== undefined) inner.send = (message) => send(own, message) as Promise<void>
      const transport = payingTransport(inner, purser, { server: 'shop' })
      try {
        const asked = requestOver(transport, 'tools/call', { name: input.slice(1) }, init?.signal)
        if (receive === undefined) return gotFrom(await asked)
        const { onmessage } = transport
        return await new Promise<Got>((resolve, reject) => {
          transport.onmessage = (message, extra) => {
            onmessage?.(message, extra)
            asked.then((reply) => resolve(gotFrom(reply)), reject)
            receive()
          }
        })
      } finally {
        await transport.close()
      }
    })
}

/** Calls a method, through a paying function. */
function callMethod(origin: string, { send }: RpcFault): Call {
  let id = 0
  return (purser, input, init) =>
    gotOf(async () => {
      const own = async (message: object, signal?: AbortSignal): Promise<RpcResponse> => {
        const reply = await fetch(origin, {
          method: 'POST',
          body: JSON.stringify(message),
          ...(signal && { signal }),
        })
        return reply.json() as Promise<RpcResponse>
      }
      const call = jsonRpc(
        (request, { signal }) =>
          (send === undefined
            ? own(request, signal)
            : send((message) => own(message, signal), request)) as Promise<RpcResponse>,
        purser,
        { server: 'shop' },
      )
      const signal = init?.signal
      return gotFrom(
        await call({ jsonrpc: '2.0', id: ++id, method: input.slice(1) }, signal ? { signal } : {}),
      )
    })
}

/** An answer of JSON-RPC, with the statuses of HTTP. An error that is no demand and no refusal is thrown by clients. */
function gotFrom(reply: RpcResponse): Got {
  const { result, error } = reply
  const body = JSON.stringify(reply)
  if (error === undefined) return { status: Object(result).isError === true ? 500 : 200, body }
  const { code, funds } = Object(Object(error).data)
  if (funds === undefined)
    return { ...(Object(error).code === -32042 && { status: 402 }), body, thrown: new Error('An error') }
  return { ...(funds === 'untouched' && { status: 402 }), code, funds, body }
}
