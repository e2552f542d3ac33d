import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { InMemoryTransport } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { type Approver, createPurser, type PolicyDocument, type Purser } from '../../src/index.js'
import {
  Approvals,
  type McpServerOptions,
  mcpServers,
  type RunningHttp,
  serveHttp,
  type Upstream,
} from '../../src/serve/index.js'
import { slowWallet } from '../client/shop.js'

export const ORIGIN = 'https://shop.example'

/** An answer of a tool, as every client reports it. */
export interface ToolAnswer {
  readonly isError?: boolean
  readonly text: string
  readonly data: Readonly<Record<string, unknown>>
  readonly content: readonly Readonly<Record<string, unknown>>[]
}

/** An MCP host: one of the two lines of the SDK, in one of the two eras. */
export interface TestHost {
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<ToolAnswer>
  read(uri: string): Promise<string>
  tools(): Promise<
    readonly {
      readonly name: string
      readonly annotations?: object | undefined
      readonly inputSchema: object
      readonly outputSchema?: object | undefined
    }[]
  >
  close(): Promise<void>
}

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly onprogress?: (progress: unknown) => void
}

export type HostName = 'sdk 1.32' | 'sdk 2.4, legacy' | 'sdk 2.4, 2026-07-28'
export const HOSTS: readonly HostName[] = ['sdk 1.32', 'sdk 2.4, legacy', 'sdk 2.4, 2026-07-28']

/** What the user of a host does with a form; undefined: the host declares no elicitation. */
export type Elicit = (message: string) => Promise<{
  readonly action: 'accept' | 'decline' | 'cancel'
  readonly content?: Record<string, string | number | boolean | string[]>
}>

type Transport = Parameters<OldClient['connect']>[0] & Parameters<ModernClient['connect']>[0]

/** What a host's model answers. Undefined: the host declares no sampling. */
export type Sample = (prompt: string) => Promise<string>

/** Connects a host to a transport. */
export async function connectHost(
  name: HostName,
  transport: Transport,
  elicit?: Elicit,
  sample?: Sample,
): Promise<TestHost> {
  const capabilities = { ...(elicit && { elicitation: {} }), ...(sample && { sampling: {} }) }
  const said = async (params: unknown) => ({
    role: 'assistant' as const,
    model: 'm',
    content: { type: 'text' as const, text: (await sample?.(JSON.stringify(params))) ?? '' },
  })
  if (name === 'sdk 1.32') {
    const client = new OldClient({ name: 'old host', version: '1' }, { capabilities })
    if (elicit !== undefined)
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params.message))
    if (sample !== undefined)
      client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => said(params))
    await client.connect(transport)
    return hostOf(client, (name, args, options) =>
      client.callTool({ name, arguments: args }, undefined, options),
    )
  }
  const client = new ModernClient(
    { name: 'new host', version: '1' },
    {
      capabilities,
      versionNegotiation: { mode: name === 'sdk 2.4, legacy' ? 'legacy' : { pin: '2026-07-28' } },
    },
  )
  if (elicit !== undefined)
    client.setRequestHandler('elicitation/create', ({ params }) => elicit(params.message))
  if (sample !== undefined) client.setRequestHandler('sampling/createMessage', ({ params }) => said(params))
  await client.connect(transport)
  if (client.getProtocolEra() !== (name === 'sdk 2.4, legacy' ? 'legacy' : 'modern'))
    throw new Error(`${name} has agreed on another era`)
  return hostOf(client, (name, args, options) => client.callTool({ name, arguments: args }, options))
}

function hostOf(
  client: Pick<OldClient | ModernClient, 'close'> & {
    readResource(params: { uri: string }): Promise<{ contents: readonly object[] }>
    listTools(): Promise<{ tools: Awaited<ReturnType<TestHost['tools']>> }>
  },
  call: (name: string, args: Record<string, unknown>, options?: CallOptions) => Promise<object>,
): TestHost {
  return {
    call: async (name, args = {}, options) => answerOf(await call(name, args, options)),
    read: async (uri) =>
      (await client.readResource({ uri })).contents.map((one) => String(Reflect.get(one, 'text'))).join('\n'),
    tools: async () => (await client.listTools()).tools,
    close: () => client.close(),
  }
}

function answerOf(result: object): ToolAnswer {
  const content: readonly Readonly<Record<string, unknown>>[] = Reflect.get(result, 'content') ?? []
  return {
    isError: Reflect.get(result, 'isError') === true,
    text: content.map(({ text }) => text ?? '').join('\n'),
    data: Object(Reflect.get(result, 'structuredContent')),
    content,
  }
}

const request = Buffer.from('{}').toString('base64url')
const receipt = Buffer.from(JSON.stringify({ method: 'slow', status: 'success', reference: 'r1' })).toString(
  'base64url',
)

/** What the shop saw. */
export interface SeenRequest {
  readonly url: string
  readonly paid: boolean
  readonly init: RequestInit | undefined
}

export interface ShopSetup {
  readonly policy?: PolicyDocument
  /** Answers a request that is free or paid for. */
  readonly answer?: (url: URL, init: RequestInit | undefined) => Response | Promise<Response>
  readonly approver?: Approver
  readonly elicitation?: boolean
  /** Whether people may answer in the ledger. */
  readonly outside?: boolean
  readonly options?: Partial<McpServerOptions>
  /** How the host is connected. Over HTTP, the caller closes the server by `close()`. @default 'memory' */
  readonly over?: 'memory' | 'http'
  /** Changes the messages of the host on their way. */
  readonly change?: (message: object) => object
  readonly upstreams?: (purser: Purser) => readonly Upstream[]
  /** The model of the host. */
  readonly sample?: Sample
}

export interface Setup {
  readonly purser: Purser
  readonly seen: SeenRequest[]
  readonly host: TestHost
  /** The server over HTTP. */
  readonly served?: RunningHttp
  paid(): number
}

const TOKEN = 't'.repeat(40)

/** Connects a host to a server over HTTP. */
export function connectOverHttp(
  name: HostName,
  url: string,
  token: string,
  elicit?: Elicit,
  sample?: Sample,
): Promise<TestHost> {
  const init = { requestInit: { headers: { authorization: `Bearer ${token}` } } }
  const transport = name === 'sdk 1.32' ? new OldHttp(new URL(url), init) : new ModernHttp(new URL(url), init)
  return connectHost(name, transport, elicit, sample)
}

/** A purser with ten cents a call at a shop, its MCP server, and a host in the same process. */
export async function setUp(name: HostName, setup: ShopSetup = {}, elicit?: Elicit): Promise<Setup> {
  const seen: SeenRequest[] = []
  const { answer = () => new Response('tea', { headers: { 'content-type': 'text/plain' } }) } = setup
  const outside = setup.outside === true
  const approvals = new Approvals(setup.approver, { elicitation: setup.elicitation === true, outside })
  const purser = createPurser({
    wallets: [slowWallet(async () => ({ state: 'unknown', reason: 'test' }))],
    policy: {
      perPayment: '1',
      maxFee: '0.90',
      budgets: [{ limit: '5', per: 'day' }],
      vendors: [{ origin: ORIGIN }],
      ...setup.policy,
    },
    ledger: memoryLedger(),
    ...(approvals.canAsk ? { approver: approvals.approver } : {}),
    ...(outside ? { approvals: 'ledger' } : {}),
    fetch: async (input, init) => {
      const url = new URL(String(input))
      const paid = new Headers(init?.headers).has('authorization')
      seen.push({ url: url.href, paid, init })
      if (!paid && !url.pathname.startsWith('/free')) {
        const challenge = `Payment id="challenge-${seen.length}", realm="shop", method="slow", intent="charge", request="${request}"`
        return new Response('pay', { status: 402, headers: { 'www-authenticate': challenge } })
      }
      const reply = await answer(url, init)
      if (paid) reply.headers.set('payment-receipt', receipt)
      return reply
    },
  })
  const upstreams = setup.upstreams?.(purser) ?? []
  await Promise.all(upstreams.map((upstream) => upstream.start()))
  const makeServer = mcpServers({
    upstreams,
    purser,
    agent: 'agent',
    symbol: 'USD',
    policy: { perPayment: '1' },
    lists: ({ origin }) => origin === ORIGIN,
    version: '0.0.0',
    approvals,
    personMs: 300,
    ...setup.options,
  })
  const paid = () => seen.filter(({ paid }) => paid).length
  if (setup.over === 'http') {
    const served = await serveHttp(makeServer, { port: 0, token: TOKEN })
    const host = await connectOverHttp(name, served.url, TOKEN, elicit, setup.sample)
    return { purser, seen, host, served, paid }
  }
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  serveStdio(makeServer, { transport: theirs })
  const { change } = setup
  if (change !== undefined) {
    const send = ours.send.bind(ours)
    ours.send = (message, options) => send(Object(change(message)), options)
  }
  const host = await connectHost(name, ours, elicit, setup.sample)
  return { purser, seen, host, paid }
}
