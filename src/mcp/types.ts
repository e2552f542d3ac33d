import { isObject } from '../util/objects.js'

/** Names a request, and the answer to it. */
export type RequestId = string | number

/** A JSON-RPC 2.0 request. */
export interface RpcRequest {
  readonly jsonrpc: '2.0'
  readonly id: RequestId
  readonly method: string
  readonly params?: unknown
  /** Only in plain JSON-RPC. MCP has it inside `params`. */
  readonly _meta?: unknown
}

/** The answer to a request: a result or an error. */
export interface RpcResponse {
  readonly jsonrpc: '2.0'
  readonly id?: RequestId | null | undefined
  readonly result?: unknown
  readonly error?: RpcError
  /** Only in plain JSON-RPC. MCP has it inside `result`. */
  readonly _meta?: unknown
}

/** The error of an answer. */
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/**
 * The parts of an MCP transport that Purser uses. The transports of `@modelcontextprotocol/sdk` 1.x and of
 * `@modelcontextprotocol/client` 2.x have them all.
 */
export interface McpTransport {
  start(): Promise<void>
  send(message: object, options?: object): Promise<void>
  close(): Promise<void>
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  onmessage?: MessageListener | undefined
}

/** A method, so that a listener of the SDK with its own message type fits too. */
export type MessageListener = { listen(message: object, extra?: object): void }['listen']

/** Names the server of a paying transport, client or function. */
export interface McpOptions {
  /**
   * The name that you give the server. The policy names it as a vendor: `search` is the vendor `mcp:search` (`jsonrpc:search`
   * for `jsonRpc`). A server cannot choose or change it.
   */
  readonly server: string
}

export function isRequest(message: object): message is RpcRequest {
  return (
    'method' in message &&
    typeof message.method === 'string' &&
    'id' in message &&
    (typeof message.id === 'string' || typeof message.id === 'number')
  )
}

export function isResponse(message: object): message is RpcResponse & { readonly id: RequestId } {
  return (
    !('method' in message) &&
    'id' in message &&
    (typeof message.id === 'string' || typeof message.id === 'number') &&
    (Object.hasOwn(message, 'result') ||
      (Object.hasOwn(message, 'error') && 'error' in message && isObject(message.error)))
  )
}

/** Reads a member of a message from outside. Undefined if the value is no object, or only inherits the member. */
export function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}
