import { memoryLedger } from '../../src/entry/ledger-memory.js'
import {
  createPurser,
  type Payment,
  type PolicyDocument,
  type Purser,
  type PurserEvent,
  type PurserEvents,
  type PurserOptions,
} from '../../src/index.js'
import { type McpTransport, payingTransport, type RpcRequest, type RpcResponse } from '../../src/mcp/index.js'
import { TestClock } from '../ledger/fixtures.js'
import { type FakeWallet, fakeWallet, Rail, type WalletOptions } from '../pay/peers.js'
import { CREDENTIAL, challenge, RECEIPT } from './messages.js'

export * from './messages.js'

/** A message as an object whose members may be read. */
export type Message = Readonly<Record<string, unknown>>

export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined),
    value,
  )
}

export const pause = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms))

export type Challenged = ReturnType<typeof challenge>

export function required(...challenges: readonly unknown[]): RpcAnswer {
  return { error: { code: -32042, message: 'Payment Required', data: { httpStatus: 402, challenges } } }
}

export type RpcAnswer = Omit<RpcResponse, 'jsonrpc' | 'id'>

/** The credential of a request: in `params._meta`, or at the root. */
export function credentialOf(request: RpcRequest): unknown {
  return at(request, 'params', '_meta', CREDENTIAL) ?? at(request, '_meta', CREDENTIAL)
}

/** What a server does with a request. Undefined: it never answers. */
export type Handle = (request: RpcRequest) => RpcAnswer | undefined | Promise<RpcAnswer | undefined>

/** The other end of a transport, which is nothing but a function. */
export class FakeTransport implements McpTransport {
  onclose: (() => void) | undefined
  onerror: ((error: Error) => void) | undefined
  onmessage: McpTransport['onmessage']
  /** Every message that the server got. */
  readonly sent: { readonly message: object; readonly options: object | undefined }[] = []
  handle: Handle
  readonly sessionId = 'session-1'
  version: string | undefined
  failing: Error | undefined

  constructor(handle: Handle) {
    this.handle = handle
  }

  get requests(): readonly RpcRequest[] {
    return this.sent.flatMap(({ message }) =>
      'id' in message && 'method' in message ? [toRequest(message)] : [],
    )
  }

  get paid(): readonly RpcRequest[] {
    return this.requests.filter((request) => at(request, 'params', '_meta', CREDENTIAL) !== undefined)
  }

  setProtocolVersion(version: string): void {
    this.version = version
  }

  async start(): Promise<void> {}

  async send(message: object, options?: object): Promise<void> {
    if (this.failing !== undefined) throw this.failing
    this.sent.push({ message, options })
    if (!('id' in message) || !('method' in message)) return
    const request = toRequest(message)
    const answer = await this.handle(request)
    if (answer !== undefined) this.push({ jsonrpc: '2.0', id: request.id, ...answer })
  }

  push(message: object): void {
    this.onmessage?.(message, { from: 'server' })
  }

  async close(): Promise<void> {
    this.onclose?.()
  }
}

function toRequest(message: object): RpcRequest {
  return JSON.parse(JSON.stringify(message))
}

export interface WorldOptions extends Partial<Omit<PurserOptions, 'policy' | 'wallets'>> {
  readonly policy?: PolicyDocument
  readonly wallet?: WalletOptions
  readonly servers?: readonly string[]
}

/** A purser with a wallet without money, and a client of the simplest kind. */
export interface World {
  readonly purser: Purser
  readonly wallet: FakeWallet
  readonly rail: Rail
  readonly clock: TestClock
  readonly transport: FakeTransport
  /** The transport that pays. */
  readonly paying: FakeTransport
  /** Messages that the client got and that answer no call. */
  readonly others: object[]
  call(method: string, params?: unknown, id?: number): Promise<RpcResponse>
  tool(name?: string, params?: object): Promise<RpcResponse>
  notify(method: string, params: object): Promise<void>
  payments(): Promise<Payment[]>
  heard<E extends PurserEvent>(name: E): PurserEvents[E][]
}

export function policyFor(servers: readonly string[], more: PolicyDocument = {}): PolicyDocument {
  return {
    perPayment: '1',
    budgets: [{ limit: '5', per: 'day' }],
    vendors: servers.map((origin) => ({ origin })),
    ...more,
  }
}

export function purserFor(options: WorldOptions = {}) {
  const { policy, wallet: walletOptions, servers = ['mcp:shop'], ...rest } = options
  const clock = new TestClock()
  const rail = new Rail()
  const wallet = fakeWallet(rail, clock, walletOptions)
  const purser = createPurser({
    wallets: [wallet],
    policy: policyFor(servers, policy),
    ledger: memoryLedger({ clock }),
    clock,
    ...rest,
  })
  return { purser, wallet, rail, clock }
}

export function world(handle: Handle, options: WorldOptions = {}): World {
  const { purser, wallet, rail, clock } = purserFor(options)
  const transport = new FakeTransport(handle)
  const paying = payingTransport(transport, purser, { server: 'shop' })
  const others: object[] = []
  const waiting = new Map<unknown, (reply: RpcResponse) => void>()
  paying.onmessage = (message) => {
    const id = at(message, 'id')
    const resolve = waiting.get(id)
    if (resolve === undefined || 'method' in message) return void others.push(message)
    waiting.delete(id)
    resolve({ jsonrpc: '2.0', ...message })
  }
  let next = 0
  const call = (method: string, params?: unknown, id = ++next): Promise<RpcResponse> =>
    new Promise((resolve, reject) => {
      waiting.set(id, resolve)
      paying.send({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) }).catch(reject)
    })
  return {
    purser,
    wallet,
    rail,
    clock,
    transport,
    paying,
    others,
    call,
    tool: (name = 'search', params = {}) =>
      call('tools/call', { name, arguments: { query: 'tea' }, ...params }),
    notify: (method, params) => paying.send({ jsonrpc: '2.0', method, params }),
    async payments() {
      const all: Payment[] = []
      for await (const payment of purser.payments()) all.push(payment)
      return all
    },
    heard(name) {
      const events: PurserEvents[typeof name][] = []
      purser.on(name, (event) => void events.push(event))
      return events
    },
  }
}

/** Takes the money, and answers with a receipt. */
export function served(request: RpcRequest, rail: Rail, result: object = { content: [] }): RpcAnswer {
  const id = String(at(credentialOf(request), 'challenge', 'id'))
  rail.accept({}, id)
  const receipt = {
    status: 'success',
    method: 'tempo',
    challengeId: id,
    reference: `tx-${id}`,
    timestamp: 'now',
  }
  return { result: { ...result, _meta: { [RECEIPT]: receipt } } }
}

/** A shop that asks once and serves what was paid for. */
export function shop(rail: () => Rail, asks: () => RpcAnswer = () => required(challenge())): Handle {
  return (request) => (credentialOf(request) === undefined ? asks() : served(request, rail()))
}

/** A world with a shop on its own rail. */
export function shopWorld(asks?: () => RpcAnswer, options: WorldOptions = {}): World {
  const made: World = world(
    shop(() => made.rail, asks),
    options,
  )
  return made
}
