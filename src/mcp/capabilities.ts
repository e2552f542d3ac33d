import { parseAcceptPayment } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import { member, type RpcRequest } from './types.js'

/** The member of every request's `_meta` that declares the client in MCP from 2026-07-28 on. */
const CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'

/** The payments that a client declares in its capabilities (draft-payment-transport-mcp, section 5). */
export interface PaymentCapability {
  readonly methods: Readonly<Record<string, { readonly intents: readonly string[] }>>
}

/** @param acceptPayment - What the wallets pay, as the header `Accept-Payment` says it. */
export function paymentCapability(acceptPayment: string): PaymentCapability | undefined {
  const methods = new Map<string, string[]>()
  for (const { kind } of parseAcceptPayment(acceptPayment) ?? []) {
    const [method = '', intent = ''] = kind.split('/')
    methods.set(method, [...(methods.get(method) ?? []), intent])
  }
  if (methods.size === 0) return undefined
  return { methods: Object.fromEntries([...methods].map(([method, intents]) => [method, { intents }])) }
}

/**
 * Adds the payments to the capabilities that a message declares: those of `initialize`, or those of each request in later
 * revisions. Any other request is returned unchanged.
 */
export function withCapability(message: RpcRequest, payment: PaymentCapability | undefined): RpcRequest {
  if (payment === undefined || !isObject(message.params)) return message
  const { params } = message
  if (message.method === 'initialize')
    return {
      ...message,
      params: { ...params, capabilities: declared(member(params, 'capabilities'), payment) },
    }
  const meta = member(params, '_meta')
  const capabilities = member(meta, CLIENT_CAPABILITIES)
  if (!isObject(meta) || !isObject(capabilities)) return message
  return {
    ...message,
    params: { ...params, _meta: { ...meta, [CLIENT_CAPABILITIES]: declared(capabilities, payment) } },
  }
}

function declared(capabilities: unknown, payment: PaymentCapability): object {
  const all = isObject(capabilities) ? capabilities : {}
  const experimental = member(all, 'experimental')
  return { ...all, experimental: { payment, ...(isObject(experimental) ? experimental : {}) } }
}
