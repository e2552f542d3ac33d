import { isObject } from '../util/objects.js'
import { member, type RpcRequest, type RpcResponse } from './types.js'

/** The JSON-RPC error codes that ask for money or refuse a credential. */
export const CODES = {
  required: -32042,
  rejected: -32043,
  invalidParams: -32602,
  internal: -32603,
  /** x402's clients use it, and Purser's own refusals have it too. */
  x402: 402,
} as const

const PAYMENTS = ['org.paymentauth/credential', 'x402/payment']
const REQUIRED = 'org.paymentauth/payment-required'
/** What a caller says about paying for one call. It never reaches the server. */
export const CALL_OPTIONS = 'purser/payment'
/** Pairs a call of a paying client with its request. It never reaches the server. */
export const CALL_ID = 'purser/call'
/** Names the purchase to the server, as the header `Idempotency-Key` does over HTTP. */
const IDEMPOTENCY_KEY = 'purser/idempotency-key'

/** The `_meta` of a request: inside `params` in MCP, at the root of a plain JSON-RPC request. */
export function metaOf(request: RpcRequest, place: MetaPlace): unknown {
  return place === 'params' ? member(request.params, '_meta') : request._meta
}

export type MetaPlace = 'params' | 'root'

/** Copies a request with another `_meta`. */
export function withMeta(request: RpcRequest, place: MetaPlace, meta: object): RpcRequest {
  if (place === 'root') return { ...request, _meta: meta }
  return { ...request, params: { ...(isObject(request.params) ? request.params : {}), _meta: meta } }
}

/** Adds members to the `_meta` of a request, and leaves out the options that are only for Purser. */
export function withPayment(
  request: RpcRequest,
  place: MetaPlace,
  {
    credential,
    key,
  }: { readonly credential?: readonly [string, object] | undefined; readonly key?: string | undefined },
): RpcRequest {
  const meta = metaOf(request, place)
  const own = member(meta, CALL_OPTIONS) ?? member(meta, CALL_ID)
  if (credential === undefined && key === undefined && own === undefined) return request
  const { [CALL_OPTIONS]: _options, [CALL_ID]: _id, ...kept } = isObject(meta) ? meta : {}
  return withMeta(request, place, {
    ...kept,
    ...(key !== undefined && { [IDEMPOTENCY_KEY]: key }),
    ...(credential !== undefined && { [credential[0]]: credential[1] }),
  })
}

/** Tells whether the caller's own request carries a payment. Purser does not pay it a second time. */
export function paidByCaller(request: RpcRequest): boolean {
  const metas = [member(request.params, '_meta'), request._meta]
  return metas.some((meta) => PAYMENTS.some((name) => member(meta, name) !== undefined))
}

/**
 * Tells whether an answer to an unpaid request may ask for money. Only then it is read in full, so that other answers cost
 * nothing.
 */
export function mayAsk({ result, error }: RpcResponse): boolean {
  if (error !== undefined)
    return (
      isObject(error.data) && [CODES.required, CODES.rejected, CODES.x402].some((code) => code === error.code)
    )
  if (!isObject(result)) return false
  const { isError, _meta: meta } = result
  // Most results have neither. Otherwise an inherited member must not count.
  if (isError === undefined && meta === undefined) return false
  return member(result, 'isError') === true || member(member(result, '_meta'), REQUIRED) !== undefined
}
