import { ownOptions } from '../errors/index.js'
import { handlerOf } from '../http/index.js'
import { type CallOptions, ownCallOptions } from '../pay/index.js'
import { isObject, own } from '../util/objects.js'
import { untilAborted } from '../util/until-aborted.js'
import { type MetaPlace, mayAsk } from './meta.js'
import { PAID_METHODS, Resources, UNNAMED, vendorOf } from './resource.js'
import { RpcExchange, withoutFunds } from './rpc-exchange.js'
import { isRequest, type McpOptions, type RpcRequest, type RpcResponse } from './types.js'

/** What a caller may say about one JSON-RPC call. */
export interface RpcCallOptions {
  /** Ends the wait. It reaches the function that sends, too. */
  readonly signal?: AbortSignal
  /** What may be said about paying for any call, such as `maxAmount` or `idempotencyKey`. */
  readonly payment?: CallOptions
}

/** Names the server of a function that sends, and how it is paid. */
export interface JsonRpcOptions extends McpOptions {
  /**
   * Where the server reads the `_meta` with the payment: at the `root` of the request, or in its `params`, as MCP has it. A
   * request whose `params` are a list has it at the root.
   *
   * @default 'params' for MCP's `tools/call`, `resources/read` and `prompts/get`, and 'root' for all other methods
   */
  readonly meta?: 'root' | 'params'
}

/** Sends a JSON-RPC 2.0 request, over whatever transport, and returns its answer. */
export type RpcSender = (
  request: RpcRequest,
  options: { readonly signal?: AbortSignal },
) => Promise<RpcResponse>

/** The same, with payments. */
export type PayingRpcSender = (request: RpcRequest, options?: RpcCallOptions) => Promise<RpcResponse>

/**
 * Wraps a function that sends JSON-RPC 2.0 requests, so that its calls are paid inside the purser's policy. The credential
 * travels in a `_meta` of the request (draft-payment-transport-mcp). The receipt is found at the root and in the result.
 *
 * @param send - Sends one request and returns the answer with the same id. It is called again to send the request with a
 * credential. It rejects if no answer came.
 * @param purser - The purser that pays.
 * @param options - `server`: the name that the policy has for this server, as `jsonrpc:<name>`. Its `tools` are the methods.
 * `meta`: where the server reads the payment.
 * @returns A function that returns the paid answer. A refusal is an answer with the error code 402, or a
 * `PaymentRefusedError` if the purser has `onRefusal: 'throw'`.
 * @throws TypeError if the server has no usable name, if `meta` is no such place, or if `purser` is not a purser.
 * @see docs/mcp.md
 * @example
 * ```ts
 * const call = jsonRpc(send, purser, { server: 'node' })
 * const { result } = await call({ jsonrpc: '2.0', id: 1, method: 'eth_getBlockByNumber', params: ['latest', false] })
 * ```
 */
export function jsonRpc(send: RpcSender, purser: object, options: JsonRpcOptions): PayingRpcSender {
  const { server, meta } = ownOptions(options, { server: true, meta: true }, 'jsonRpc()')
  if (meta !== undefined && meta !== 'root' && meta !== 'params')
    throw new TypeError("jsonRpc(): 'meta' must be 'root' or 'params'")
  const resources = new Resources('jsonrpc', vendorOf('jsonrpc', server, 'jsonRpc()'))
  const handler = handlerOf(purser)
  return async (request, given = {}) => {
    const { signal, payment } = ownOptions(given, { signal: true, payment: true }, 'A call')
    const said = payment === undefined ? {} : ownCallOptions<CallOptions>(payment, {}, 'payment')
    const passing = own(signal === undefined ? {} : { signal })
    if (!isRequest(request)) return send(request, passing)
    const resource = resources.of(request)
    if (resource === 'none' || resource === undefined || !handler.payable(resource)) {
      const reply = await send(request, passing)
      const reasons = resource === undefined ? [UNNAMED] : undefined
      if (mayAsk(reply)) handler.noteUnpaid(reply, resource === 'none' ? undefined : resource, reasons)
      return withoutFunds(reply)
    }
    const exchange = new RpcExchange({
      request,
      resource,
      place: placeOf(request, meta),
      send: (message, how) =>
        untilAborted(send(message, own(how.signal ? { signal: how.signal } : {})), how.signal),
      repeatable: () => said.idempotencyKey !== undefined,
    })
    const reply = await handler.run(exchange, { ...said, ...passing })
    const shown = withoutFunds(reply)
    if (shown !== reply) handler.shareOutcome(reply, shown)
    return shown
  }
}

function placeOf({ method, params }: RpcRequest, meta: MetaPlace | undefined): MetaPlace {
  if (params !== undefined && !isObject(params)) return 'root'
  return meta ?? (PAID_METHODS.has(method) ? 'params' : 'root')
}
