import { register } from 'node:module'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { z } from 'zod'
import { DOMAIN, type EvmChain } from '../evm/chain.js'
import { startFacilitator } from '../evm/facilitator.js'
import { at } from './kit.js'

// mppx's wrapper for tools that take MPP and x402 (`mppx/x402/mcp`). It loads `@x402/mcp`, which the registry does not have.
// Of that package it uses one function, which judges a call that brings an x402 payment. That function is written here, on the
// official resource server. All else is mppx's own: the demand, both kinds of offers in it, and the judgement of MPP credentials.

const PRICE = '10000'
const SECRET = 'a secret of this test server, 32 bytes or more'
const PAYMENT = 'x402/payment'

type Tool = (args: object, context: object) => unknown
type WrappedTool = (args: object, extra: object) => unknown
type Requirements = Awaited<ReturnType<x402ResourceServer['buildPaymentRequirements']>>

interface WrapperConfig {
  readonly accepts: Requirements
  readonly resource: { readonly url: string; readonly description: string; readonly mimeType: string }
}

/** The x402 side: a call with a payment is verified, answered and settled. */
function createPaymentWrapper(resources: x402ResourceServer, { accepts, resource }: WrapperConfig) {
  const ask = async (error: string) => {
    const required = plain(await resources.createPaymentRequiredResponse(accepts, resource, error))
    return {
      isError: true,
      structuredContent: required,
      content: [{ type: 'text', text: JSON.stringify(required) }],
    }
  }
  return (tool: Tool): WrappedTool =>
    async (args, extra) => {
      const payload = plain(at(extra, '_meta', PAYMENT))
      const requirements = resources.findMatchingRequirements(accepts, payload)
      if (requirements === undefined) return ask('No matching payment requirements found')
      const verified = await resources.verifyPayment(payload, requirements)
      if (!verified.isValid) return ask(verified.invalidReason ?? 'invalid')
      const result = await tool(args, {})
      const settled = await resources.settlePayment(payload, requirements)
      return { ...Object(result), _meta: { 'x402/payment-response': plain(settled) } }
    }
}

/** The module that mppx gets for `@x402/mcp`. It is loaded outside the test runner's own modules, so it meets them here. */
const SHARED = 'purser.test.x402-mcp'
const STAND_IN = `data:text/javascript,${encodeURIComponent(
  `export const MCP_PAYMENT_META_KEY = '${PAYMENT}'
  export const createPaymentWrapper = globalThis[Symbol.for('${SHARED}')]`,
)}`
const RESOLVE = `export const resolve = (name, context, next) =>
  name === '@x402/mcp' ? { url: ${JSON.stringify(STAND_IN)}, shortCircuit: true } : next(name, context)`

async function loadWrapper(): Promise<
  (resources: x402ResourceServer, config: object) => (tool: Tool) => WrappedTool
> {
  Reflect.set(globalThis, Symbol.for(SHARED), createPaymentWrapper)
  register(`data:text/javascript,${encodeURIComponent(RESOLVE)}`)
  const { mpp } = await import('mppx/x402/mcp')
  return (resources, config) => Reflect.apply(mpp, undefined, [resources, config])
}

/** A tool `search` for 0.01 of the chain's dollars, by mppx's dual wrapper. */
export async function dualServer(chain: EvmChain): Promise<() => McpServer> {
  const wrapper = await loadWrapper()
  const resources = new x402ResourceServer(startFacilitator(chain).client).register(
    chain.network,
    new ExactEvmScheme(),
  )
  await resources.initialize()
  const accepts = await resources.buildPaymentRequirements({
    scheme: 'exact',
    network: chain.network,
    payTo: chain.payee,
    price: { asset: chain.dollarAddress, amount: PRICE, extra: DOMAIN },
    maxTimeoutSeconds: 60,
  })
  const resource = { url: 'mcp://tool/search', description: 'one search', mimeType: 'application/json' }
  const paid = wrapper(resources, { accepts, resource, secretKey: SECRET, realm: 'tools.test' })
  const search = paid(() => ({ content: [{ type: 'text', text: 'one result' }] }))
  return () => {
    const server = new McpServer({ name: 'dual', version: '1' })
    const schema = { query: z.string().optional() }
    server.registerTool('search', { inputSchema: schema }, async (args, extra) =>
      plain(await search(args, extra)),
    )
    return server
  }
}

/** The packages type the same things in their own ways. */
function plain(value: unknown) {
  return JSON.parse(JSON.stringify(value ?? null))
}
