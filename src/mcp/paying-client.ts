import { isPaymentError } from '../errors/index.js'
import { handlerOf } from '../http/index.js'
import { refusedError } from '../pay/index.js'
import { isObject } from '../util/objects.js'
import { withTimeout } from '../util/with-timeout.js'
import type { CallEnd, CallObserver } from './connection.js'
import { CALL_ID, metaOf } from './meta.js'
import { isTransport, serverIn, wrapTransport } from './paying-transport.js'
import { refusalBehind } from './rpc-exchange.js'
import { type McpOptions, member, type RpcRequest } from './types.js'

/** The parts of an MCP client that Purser uses. The clients of both SDK lines have them. */
export interface McpClient {
  readonly connect: (transport: never, ...rest: never) => Promise<void>
}

/** The methods of a client whose calls are paid. */
const PAID_CALLS: ReadonlySet<string | symbol> = new Set(['callTool', 'readResource', 'getPrompt'])
/** How long a failed call is waited for: after a cancellation Purser says within this time where the money is. */
const END_MS = 1_000

/**
 * Wraps an MCP client, so that its calls are paid inside the purser's policy. It connects through a {@link payingTransport},
 * and says more about payments than the client alone can:
 *
 * - A call that may not be paid throws a `PaymentRefusedError`. A call whose payment is in doubt throws a `PaymentError` with
 *   `funds`, also after a time-out or a cancellation.
 * - `purser.paymentFor(result)` has the payment behind a result.
 *
 * @param client - A client of `@modelcontextprotocol/sdk` 1.x or `@modelcontextprotocol/client` 2.x that is not connected
 * yet. It stays as it is: call the returned one.
 * @param purser - The purser that pays.
 * @param options - `server`: the name that the policy has for this server.
 * @throws TypeError if the server has no usable name, or if `purser` is not a purser.
 * @see docs/mcp.md
 * @example
 * ```ts
 * const paying = payingClient(client, purser, { server: 'search' })
 * await paying.connect(transport)
 * const result = await paying.callTool({ name: 'search', arguments: { query: 'tea' } })
 * ```
 */
export function payingClient<C extends McpClient>(client: C, purser: object, options: McpOptions): C {
  const vendor = serverIn(options, 'payingClient()')
  const handler = handlerOf(purser)
  const ends = new Map<string, Promise<CallEnd>>()
  const observer: CallObserver = {
    started(request, end) {
      const id = callIdOf(request)
      if (id !== undefined) ends.set(id, end)
    },
  }
  let connected = false
  let calls = 0
  const connect = (method: Method, [transport, ...rest]: readonly unknown[]): unknown => {
    if (!isTransport(transport)) throw new TypeError('connect() needs a transport of an MCP client')
    connected = true
    return Reflect.apply(method, client, [wrapTransport(transport, purser, vendor, observer), ...rest])
  }
  const call = async (method: Method, [params, ...rest]: readonly unknown[]): Promise<unknown> => {
    if (!connected)
      throw new TypeError('Connect the client that payingClient() returned, and not the one it was given')
    const id = String(++calls)
    try {
      const result: unknown = await Reflect.apply(method, client, [withCallId(params, id), ...rest])
      const end = await ends.get(id)
      if (end !== undefined && 'reply' in end && isObject(result)) handler.shareOutcome(end.reply, result)
      return result
    } catch (error) {
      throw (await paymentErrorOf(ends.get(id), (from, to) => handler.shareOutcome(from, to))) ?? error
    } finally {
      ends.delete(id)
    }
  }
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (!isMethod(value)) return value
      if (name === 'connect') return (...all: unknown[]) => connect(value, all)
      if (PAID_CALLS.has(name)) return (...all: unknown[]) => call(value, all)
      return value.bind(target)
    },
    set: (target, name, value) => Reflect.set(target, name, value),
  })
}

type Method = (...all: unknown[]) => unknown

function isMethod(value: unknown): value is Method {
  return typeof value === 'function'
}

function callIdOf(request: RpcRequest): string | undefined {
  const id = member(metaOf(request, 'params'), CALL_ID)
  return typeof id === 'string' ? id : undefined
}

function withCallId(params: unknown, id: string): unknown {
  if (!isObject(params)) return params
  const meta = member(params, '_meta')
  return { ...params, _meta: { ...(isObject(meta) ? meta : {}), [CALL_ID]: id } }
}

/** The payment's own error behind a failed call. Undefined if the call failed for another reason. */
async function paymentErrorOf(
  ending: Promise<CallEnd> | undefined,
  share: (from: object, to: object) => void,
): Promise<Error | undefined> {
  const end = ending && (await withTimeout(ending, END_MS))
  if (end === undefined || end === 'late') return undefined
  if ('error' in end) return isPaymentError(end.error) ? end.error : undefined
  const problem = refusalBehind(end.reply)
  if (problem === undefined) return undefined
  const error = refusedError(problem)
  share(end.reply, error)
  return error
}
