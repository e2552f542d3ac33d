import { ownOptions } from '../errors/index.js'
import { handlerOf } from '../http/index.js'
import { type CallObserver, PayingConnection } from './connection.js'
import { vendorOf } from './resource.js'
import type { McpOptions, McpTransport } from './types.js'

/**
 * Wraps an MCP transport, so that the calls of its client are paid inside the purser's policy.
 *
 * Tools, resources and prompts are paid. The server's demand for payment never reaches the client: Purser sends the same
 * request again, with the same id and a credential, so time-outs, abort signals, progress and output checks of the client
 * work as before. If a payment is refused or in doubt, the call fails with the code 402, and `error.data` has the
 * `code`, the `reasons` and the `funds`.
 *
 * @param transport - A transport of `@modelcontextprotocol/sdk` 1.x or `@modelcontextprotocol/client` 2.x, before its client
 * is connected.
 * @param purser - The purser that pays.
 * @param options - `server`: the name that the policy has for this server.
 * @returns A transport with everything that the given one has.
 * @throws TypeError if the server has no usable name, or if `purser` is not a purser.
 * @see docs/mcp.md
 * @example
 * ```ts
 * await client.connect(payingTransport(transport, purser, { server: 'search' }))
 * const result = await client.callTool({ name: 'search', arguments: { query: 'tea' } })
 * ```
 */
export function payingTransport<T extends McpTransport>(
  transport: T,
  purser: object,
  options: McpOptions,
): T {
  return wrapTransport(transport, purser, serverIn(options, 'payingTransport()'))
}

/** @throws TypeError if the options have no usable name. */
export function serverIn(options: McpOptions, what: string): string {
  const { server } = ownOptions(options, { server: true }, what)
  return vendorOf('mcp', server, what)
}

/** Wraps a transport, and tells an observer about its calls. */
export function wrapTransport<T extends McpTransport>(
  transport: T,
  purser: object,
  vendor: string,
  observer?: CallObserver,
): T {
  if (!isTransport(transport)) throw new TypeError('payingTransport() needs a transport of an MCP client')
  const connection = new PayingConnection(transport, handlerOf(purser), vendor, observer)
  const own: ReadonlySet<string | symbol> = new Set(['onclose', 'onerror', 'onmessage'])
  const methods: Readonly<Record<string, unknown>> = {
    start: () => connection.start(),
    send: (message: object, options?: object) => connection.send(message, options),
  }
  return new Proxy(transport, {
    get(target, name) {
      if (own.has(name)) return Reflect.get(connection, name)
      if (typeof name === 'string' && Object.hasOwn(methods, name)) return methods[name]
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, name, value) => Reflect.set(own.has(name) ? connection : target, name, value),
  })
}

/** Tells whether a value has the methods of a transport. */
export function isTransport(value: unknown): value is McpTransport {
  if (typeof value !== 'object' || value === null) return false
  return ['start', 'send', 'close'].every((name) => typeof Reflect.get(value, name) === 'function')
}
