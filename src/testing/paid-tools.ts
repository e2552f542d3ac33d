import { ownOptions } from '../errors/index.js'
import type { McpTransport } from '../mcp/index.js'
import { type Json, readText } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import type { PaidApi } from './paid-api.js'
import type { PaidApiOptions, PaidRoute } from './routes.js'
import { PaidServer } from './server.js'
import { ToolConnection } from './tool-connection.js'

/** The arguments of a call of a tool. */
export type ToolArguments = Readonly<Record<string, unknown>>

/** A tool that costs money. */
export interface PaidTool extends Pick<PaidRoute, 'price' | 'offers' | 'fault'> {
  readonly description?: string
  /** The JSON Schema of the arguments. Default: any object. */
  readonly inputSchema?: object
  /** The content of a paid result: a text or other JSON, or a function that makes it. Default: `{ "paid": true }`. */
  readonly answer?: Json | ((args: ToolArguments) => Json | Promise<Json>)
}

/** Changes of a tool. `fault: undefined` ends the fault. */
export type ToolChange = {
  readonly [Name in 'price' | 'offers' | 'fault' | 'answer']?: PaidTool[Name] | undefined
}

/** Paid MCP tools for tests, and the account of what they took. The methods take the name of a tool; without one they mean all. */
export interface PaidTools extends Omit<PaidApi, 'handlers' | 'change'> {
  /** Makes a connection to the tools: a transport for one client of an MCP SDK. */
  transport(): McpTransport
  /**
   * Changes a tool until the next `reset()`: its price, offers, answer or fault. `fault: undefined` ends a fault.
   *
   * @throws TypeError for an unknown tool, option or fault.
   */
  change(tool: string, change: ToolChange): void
}

/** The limits of the arguments of a call. */
const LIMITS = { bytes: 10_000_000, patienceMs: 10_000 }
const TOOL_NAMES = {
  price: true,
  offers: true,
  fault: true,
  description: true,
  inputSchema: true,
  answer: true,
} as const
const CHANGES = { price: true, offers: true, fault: true, answer: true } as const

/**
 * Creates an MCP server in memory whose tools cost money. It takes payments as {@link paidApi} does, with the same faults, and it
 * needs no SDK, no process and no network. It asks by the error -32042, with offers of MPP and x402.
 *
 * @param tools - Prices by the name of the tool, such as `0.01 USD`.
 * @throws TypeError for a price or option that cannot be read, and for an offer of a session.
 * @see docs/testing-your-agent.md
 * @example
 * ```ts
 * const tools = paidTools({ search: '0.01 USD', report: { price: '0.50 USD', fault: 'loses-answer' } })
 * await client.connect(payingTransport(tools.transport(), purser, { server: 'search' }))
 * await client.callTool({ name: 'search', arguments: { query: 'tea' } })
 * tools.taken() // '0.01 USD'
 * ```
 */
export function paidTools(
  tools: Readonly<Record<string, string | PaidTool>>,
  options: PaidApiOptions = {},
): PaidTools {
  const given = new Map(
    Object.entries(tools).map(([name, tool]) => [
      name,
      typeof tool === 'string' ? { price: tool } : ownOptions(tool, TOOL_NAMES, `The tool ${name}`),
    ]),
  )
  const routes = [...given].map(([name, { price, offers, fault, answer }]) => {
    checkOffers(offers ?? options.offers)
    const more = { ...(offers && { offers }), ...(fault && { fault }) }
    return [name, { price, answer: answerOf(answer), ...more }] as const
  })
  const server = new PaidServer(
    Object.fromEntries(routes),
    ownOptions(options, { offers: true, repeats: true }, 'paidTools()'),
  )
  const list = [...given].map(([name, { description, inputSchema = { type: 'object' } }]) => ({
    name,
    description,
    inputSchema,
  }))
  return {
    transport: () => new ToolConnection(server, list),
    taken: (tool) => server.taken(tool),
    payments: (tool) => server.payments(tool),
    refusals: (tool) => server.refusals(tool),
    requests: (tool) => server.requests(tool),
    change(tool, change) {
      const { answer, ...rest } = ownOptions(change, CHANGES, `The tool ${tool}`)
      checkOffers(rest.offers)
      server.change(tool, answer === undefined ? rest : { ...rest, answer: answerOf(answer) })
    },
    reset: () => server.reset(),
  }
}

function checkOffers(offers: PaidTool['offers'] = []): void {
  if (offers.some((offer) => (typeof offer === 'string' ? offer : offer.kind) === 'tempo/session'))
    throw new TypeError('A tool of paidTools() offers no sessions: use paidApi() to test them')
}

/** The paid answer as a route has it: a function of the request, whose body has the arguments. */
function answerOf(answer: PaidTool['answer'] = { paid: true }): (request: Request) => Promise<Response> {
  return async (request) => {
    const read = await readText(request, LIMITS)
    const args: unknown = 'text' in read ? JSON.parse(read.text) : {}
    return Response.json(typeof answer === 'function' ? await answer(isObject(args) ? args : {}) : answer)
  }
}
