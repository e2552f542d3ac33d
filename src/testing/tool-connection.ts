import type { McpTransport, MessageListener } from '../mcp/index.js'
import { META, objectIn, parseChallenges, readText } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import type { PaidServer } from './server.js'
import { type Arrived, decode, encode } from './wire.js'

/** A tool as `tools/list` shows it. */
interface ListedTool {
  readonly name: string
  readonly description: string | undefined
  readonly inputSchema: object
}

/** What a request is answered with: a result, an error, or nothing because the connection is lost. */
type Answer = { readonly result: object } | { readonly error: object } | 'lost'

const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602
const PAYMENT_REQUIRED = -32042
const VERIFICATION_FAILED = -32043
/** The limits of an answer. */
const LIMITS = { bytes: 10_000_000, patienceMs: 10_000 }
/** The name of a purchase, as Purser sends it. */
const IDEMPOTENCY_KEY = 'purser/idempotency-key'

/** The connection of one MCP client to a server in memory whose tools are the routes of a `PaidServer`. */
export class ToolConnection implements McpTransport {
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  onmessage?: MessageListener | undefined
  readonly #server: PaidServer
  readonly #tools: readonly ListedTool[]

  constructor(server: PaidServer, tools: readonly ListedTool[]) {
    this.#server = server
    this.#tools = tools
  }

  async start(): Promise<void> {}

  async close(): Promise<void> {
    this.onclose?.()
  }

  async send(message: object): Promise<void> {
    const { id, method, params } = Object.assign(Object.create(null), message)
    // A notification, or an answer to a question that this server never asks.
    if (id === undefined || method === undefined) return
    void this.#answer(method, params).then((answer) => {
      if (answer === 'lost') return this.close()
      this.onmessage?.({ jsonrpc: '2.0', id, ...answer })
      return undefined
    })
  }

  async #answer(method: unknown, params: unknown): Promise<Answer> {
    if (method === 'initialize')
      return {
        result: {
          protocolVersion: valueIn(params, 'protocolVersion'),
          capabilities: { tools: {} },
          serverInfo: { name: 'paid tools', version: '1' },
        },
      }
    if (method === 'ping') return { result: {} }
    if (method === 'tools/list') return { result: { tools: this.#tools } }
    if (method !== 'tools/call') return { error: { code: METHOD_NOT_FOUND, message: 'Method not found' } }
    const name = valueIn(params, 'name')
    const tool = this.#tools.find((one) => one.name === name)
    if (tool === undefined)
      return { error: { code: INVALID_PARAMS, message: `Unknown tool ${String(name)}` } }
    return this.#call(tool.name, valueIn(params, 'arguments') ?? {}, valueIn(params, '_meta'))
  }

  async #call(name: string, args: unknown, meta: unknown): Promise<Answer> {
    const key = valueIn(meta, IDEMPOTENCY_KEY)
    const request = new Request(`mcp://tool/${encodeURIComponent(name)}`, {
      method: 'POST',
      body: JSON.stringify(args),
      headers: typeof key === 'string' ? { 'idempotency-key': key } : {},
    })
    const arrived = credentialIn(meta)
    const response = await this.#server.respond(name, request, arrived)
    if (response.type === 'error') return 'lost'
    const read = await readText(response, LIMITS)
    if ('unread' in read) return 'lost'
    return response.status === 402 ? demandOf(response, read.text, arrived) : resultOf(response, read.text)
  }
}

function valueIn(parent: unknown, name: string): unknown {
  return isObject(parent) && Object.hasOwn(parent, name) ? parent[name] : undefined
}

/** Reads the credential of a call, in the form in which HTTP carries it. */
function credentialIn(meta: unknown): Arrived | 'unreadable' | undefined {
  const mpp = objectIn(meta, META.credential)
  if (mpp !== undefined) {
    const [challenge, payload] = [objectIn(mpp, 'challenge'), objectIn(mpp, 'payload')]
    const request = objectIn(challenge, 'request')
    if (challenge === undefined || payload === undefined || request === undefined) return 'unreadable'
    return { envelope: 'mpp', challenge: { ...challenge, request: encode(request) }, payload }
  }
  const x402 = objectIn(meta, META.x402Payment)
  if (x402 === undefined) return undefined
  const version = x402['x402Version'] === 1 ? 1 : 2
  const [accepted, payload] = [version === 1 ? x402 : objectIn(x402, 'accepted'), objectIn(x402, 'payload')]
  return accepted === undefined || payload === undefined
    ? 'unreadable'
    : { envelope: 'x402', version, accepted, payload }
}

/** Makes the error that asks for money. Its challenges have their requests as objects. */
function demandOf({ headers }: Response, text: string, arrived: unknown): Answer {
  const { challenges, rejected } = parseChallenges(headers.get('www-authenticate') ?? '')
  const second = headers.get('payment-required')
  const body: unknown = JSON.parse(text)
  const x402 = second === null ? (valueIn(body, 'accepts') === undefined ? undefined : body) : decode(second)
  const data = {
    httpStatus: 402,
    challenges: [
      ...challenges.map(({ echo: { params } }) => ({ ...params, request: decode(params['request'] ?? '') })),
      ...rejected.map(() => ({})),
    ],
    ...(x402 === undefined ? {} : { x402 }),
    ...(arrived === undefined || x402 === body ? {} : { problem: body }),
  }
  const code = arrived === undefined ? PAYMENT_REQUIRED : VERIFICATION_FAILED
  return { error: { code, message: 'Payment required', data } }
}

/** Makes the result of a tool, with the receipts of the answer. */
function resultOf({ headers, ok }: Response, text: string): Answer {
  const json = jsonIn(text)
  const receipts = [
    [META.receipt, headers.get('payment-receipt')],
    [META.x402Response, headers.get('payment-response') ?? headers.get('x-payment-response')],
  ] as const
  const meta = receipts.flatMap(([name, value]) => (value === null ? [] : [[name, decode(value)] as const]))
  return {
    result: {
      content: [{ type: 'text', text: typeof json === 'string' ? json : text }],
      ...(isObject(json) && ok ? { structuredContent: json } : {}),
      ...(ok ? {} : { isError: true }),
      ...(meta.length === 0 ? {} : { _meta: Object.fromEntries(meta) }),
    },
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
