import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it, vi } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import { createPolicy } from '../../src/entry/policy.js'
import {
  type Ledger,
  PaymentError,
  type PurserEvent,
  type PurserEvents,
  type TracerLike,
  type Wallet,
} from '../../src/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { BEHAVIOURS, type BehaviourName } from './behaviours.js'
import { KEY, type Payer, payerFor, policyFor, type SetUp } from './kit.js'
import { withFault } from './matrix/faults.js'
import { stubNode } from './node.js'
import { CHAIN_ID } from './offers.js'
import { hostileServer } from './server.js'

const QUERY = 'apikey=query-secret-7f3a'
const BEARER = 'bearer-secret-9c1d'
const BODY = 'body-secret-51be'
const RPC = 'rpc-secret-0d2e'
const EVENTS: readonly PurserEvent[] = [
  'offer',
  'decision',
  'approval_request',
  'approval',
  'payment',
  'receipt',
  'refusal',
  'not_paid',
  'freeze',
  'doubt',
  'anomaly',
  'error',
]

/** Everything that a program could log of a value. */
function views(value: unknown): readonly string[] {
  const json =
    JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}` : each)) ?? ''
  const hidden = value instanceof Error ? [value.message, value.stack ?? '', String(value)] : []
  return [json, inspect(value, { depth: 12 }), ...hidden]
}

interface Heard {
  readonly payer: Payer
  readonly said: unknown[]
}

function listening(origin: string, setUp: SetUp = {}): Heard {
  const said: unknown[] = []
  const payer = payerFor(origin, {
    ...setUp,
    wallet: { rpc: { 31337: `http://127.0.0.1:1/${RPC}` }, ...setUp.wallet },
  })
  for (const event of EVENTS) payer.purser.on(event, (data) => said.push(data))
  return { payer, said }
}

/** One payment with secrets wherever a caller has them. */
async function pay({ payer, said }: Heard, origin: string): Promise<void> {
  const signal = AbortSignal.timeout(1_500)
  const headers = { 'x-api-key': BEARER, 'proxy-authorization': `Bearer ${BEARER}` }
  const got = await payer.call(`${origin}/a?${QUERY}`, { method: 'POST', body: BODY, headers, signal })
  // A reply's own body is the server's, unless it is our refusal.
  said.push(got.thrown, got.outcome, ...(got.code === undefined ? [] : [got.body]))
  await payer.purser.recover({ reconcile: true })
  said.push(await payer.payments(), await payer.purser.budgets(), payer.purser)
}

/** What must not be found: the callers' secrets, the key, and everything that a credential is made of. */
function secretsOf(credentials: readonly (string | undefined)[]): readonly string[] {
  const signed = credentials.flatMap((payload) => {
    const { signature } = payload === undefined ? {} : JSON.parse(payload)
    return typeof signature === 'string' ? [signature.slice(2), signature.slice(-120)] : []
  })
  return [KEY.slice(2), 'query-secret', BEARER, BODY, RPC, ...signed]
}

function expectSilent(said: readonly unknown[], secrets: readonly string[]): void {
  for (const value of said)
    for (const view of views(value))
      for (const secret of secrets)
        expect(view.toLowerCase().includes(secret.toLowerCase()), secret).toBe(false)
}

const names = Object.keys(BEHAVIOURS) as BehaviourName[]

describe('nothing secret is in errors, events, refusals, outcomes and payments', () => {
  it.each(names)('against %s', async (name) => {
    const server = await hostileServer(name)
    const heard = listening(server.origin)
    await pay(heard, server.origin)
    const payloads = server.paid.map(({ credential }) => JSON.stringify(credential?.payload))
    expectSilent(heard.said, secretsOf(payloads))
    for (const { credential } of server.paid) expectSilent(heard.said, [credential?.raw ?? KEY])
    await heard.payer.purser.close()
    await server.close()
  })

  it.each([
    ['the node is down', { wallet: { fetch: () => Promise.reject(new TypeError(`fetch failed: ${RPC}`)) } }],
    ['the ledger is closed', { ledger: closedLedger() }],
    ['payments are frozen', { purser: { onRefusal: 'throw' as const }, ledger: frozenLedger() }],
    ['nobody approves', { policy: { ask: [{ above: '0.001' }] }, purser: { onRefusal: 'throw' as const } }],
    [
      'there is no money',
      { wallet: { fetch: async () => Response.json({ jsonrpc: '2.0', id: 1, result: '0x0' }) } },
    ],
  ])('when %s', async (_, setUp) => {
    const server = await hostileServer('honest')
    const heard = listening(server.origin, setUp)
    await pay(heard, server.origin).catch((error: unknown) => heard.said.push(error))
    expectSilent(
      heard.said,
      secretsOf(server.paid.map(({ credential }) => JSON.stringify(credential?.payload))),
    )
    await heard.payer.purser.close().catch(() => undefined)
    await server.close()
  })
})

/** What a part that fails quotes: a key, wherever such a thing can stand in an error. */
function quoting(secret: string): Error {
  const config = { headers: { authorization: secret }, url: `https://node.example/${secret}` }
  const within = Object.assign(new TypeError(`connect ${secret}`), { code: 'ECONNREFUSED', config })
  const error = new RangeError(`request failed: ${secret}`, { cause: within })
  return Object.assign(error, { config, response: { data: secret }, name: 'RangeError', code: secret })
}

const typed = (secret: string): PaymentError =>
  new PaymentError('wallet_failed', 'untouched', 'It failed', { cause: quoting(secret) })

/** What else a part may throw: properties on an error of ours, several errors, no error at all, one that throws itself. */
const hung = (secret: string): PaymentError =>
  Object.assign(new PaymentError('wallet_failed', 'untouched', 'It failed'), {
    request: { key: secret },
    [`x-${secret}`]: secret,
  })
const several = (secret: string): Error =>
  Object.assign(new AggregateError([quoting(secret)], secret), { name: `${secret}Error` })
const bare = (secret: string): unknown => ({
  message: secret,
  toString: () => secret,
  [Symbol('key')]: secret,
})
const text = (secret: string): unknown => secret
const hostile = (secret: string): unknown =>
  new Proxy(quoting(secret), {
    get(_, name) {
      throw new Error(`${secret} ${String(name)}`)
    },
  })

type Thrower = (secret: string) => unknown

/** One part that fails, with a secret in what it throws. */
const FAILING: Readonly<Record<string, (origin: string, thrower: Thrower) => SetUp>> = {
  'wallet.quote': (_, thrower) => walletThat('quote', thrower),
  'wallet.prepare': (_, thrower) => walletThat('prepare', thrower),
  'wallet.inspect': (_, thrower) => walletThat('inspect', thrower),
  'wallet.onAccepted': (_, thrower) => walletThat('onAccepted', thrower),
  'wallet.matchesReceipt': (_, thrower) => walletThat('matchesReceipt', thrower),
  'wallet.complete': (_, thrower) => {
    const inner = aWallet()
    const prepare: Wallet['prepare'] = async (...args) => {
      const prepared = await inner.prepare(...args)
      return { ...prepared, complete: () => Promise.reject(thrower(RPC)) }
    }
    return { purser: { wallets: [{ ...inner, prepare }] } }
  },
  'the ledger, once something left': (_, thrower) => ({
    ledger: withFault<Ledger>(memoryLedger(), 'get', () => Promise.reject(thrower(RPC))),
  }),
  'the fetch beneath, with what it was given': (_, thrower) => ({
    purser: {
      fetch: async (input, init) => {
        const { headers } = new Request(input, init)
        const credential = headers.get('authorization') ?? headers.get('payment-authorization')
        if (credential === null) return fetch(input, init)
        throw thrower(credential)
      },
    },
  }),
  'the policy': (origin, thrower) => ({
    purser: {
      policy: withFault(createPolicy(policyFor(origin)), 'evaluate', () => {
        throw thrower(RPC)
      }),
    },
  }),
  'the approver': (_, thrower) => ({
    policy: { ask: [{ above: '0.001' }] },
    purser: { approver: () => Promise.reject(thrower(RPC)) },
  }),
  'the clock': (_, thrower) => ({
    purser: {
      clock: {
        monotonic: () => 0,
        now: () => {
          throw thrower(RPC)
        },
      },
    },
  }),
}

const aWallet = (): Wallet =>
  tempo({
    account: privateKeyToAccount(KEY),
    rpc: { [CHAIN_ID]: 'http://127.0.0.1:1/' },
    fetch: stubNode().fetch,
  })

function walletThat(method: keyof Wallet, thrower: Thrower): SetUp {
  const act = (): Promise<never> => Promise.reject(thrower(RPC))
  return { purser: { wallets: [withFault(aWallet(), method, act)] } }
}

describe.each([
  ['an error of its own', quoting],
  ['an error of ours around it', typed],
  ['an error of ours with more hung on it', hung],
  ['several errors', several],
  ['an object', bare],
  ['a text', text],
  ['an error that throws when it is read', hostile],
] as const)('a part that fails with %s', (_, thrower) => {
  it.each(Object.keys(FAILING))(
    '%s: nobody repeats what it said: no event, channel, span, console, error or payment',
    async (part) => {
      using watched = everyChannel()
      for (const behaviour of ['honest', 'verification-failed'] as const) {
        const server = await hostileServer(behaviour)
        const { said } = watched
        const setUp = FAILING[part]?.(server.origin, thrower) ?? {}
        const tracer = tracing(said)
        const payer = payerFor(server.origin, {
          ...setUp,
          purser: { onRefusal: 'throw', tracer, ...setUp.purser },
        })
        for (const event of EVENTS) payer.purser.on(event, (data) => said.push(data))
        const got = await payer.call('/a')
        said.push(got.thrown, got.outcome)
        for await (const payment of payer.ledger.find({})) said.push(payment)
        const secrets = server.paid.flatMap(({ credential }) =>
          credential === undefined ? [] : [credential.raw],
        )
        expectSilent(said, [RPC, ...secrets, 'authorization: payment'])
        await payer.purser.close().catch(() => undefined)
        await server.close()
      }
    },
  )
})

it('a wallet that fails when money may move: listeners hear what kind it was, and can ask for it as it was', async () => {
  const server = await hostileServer('honest')
  const payer = payerFor(server.origin, FAILING['wallet.complete']?.(server.origin, quoting))
  const heard: PurserEvents['error'][] = []
  const published: unknown[] = []
  const hear = (event: unknown) => published.push(event)
  subscribe('purser:error', hear)
  payer.purser.on('error', (event) => heard.push(event))
  const got = await payer.call('/a')
  const kind = { name: 'RangeError', code: 'ECONNREFUSED' }
  expect(got.error).toMatchObject({ code: 'payment_in_doubt', cause: kind })
  expect(heard).toMatchObject([{ error: kind, during: 'payment' }])
  expect(heard[0]?.thrown()).toMatchObject({ message: `request failed: ${RPC}` })
  unsubscribe('purser:error', hear)
  expect(published).toEqual([{ error: heard[0]?.error, during: 'payment' }])
  await payer.purser.close()
  await server.close()
})

/** Hears every diagnostics channel, and everything that is printed or warned of. */
function everyChannel(): Disposable & { readonly said: unknown[] } {
  const said: unknown[] = []
  const hear = (message: unknown) => said.push(message)
  for (const event of EVENTS) subscribe(`purser:${event}`, hear)
  process.on('warning', hear)
  const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation((...args) => void said.push(args)),
  )
  return {
    said,
    [Symbol.dispose]() {
      for (const event of EVENTS) unsubscribe(`purser:${event}`, hear)
      process.off('warning', hear)
      for (const spy of spies) spy.mockRestore()
    },
  }
}

/** A tracer that keeps all that it is given. */
function tracing(said: unknown[]): TracerLike {
  return {
    startSpan(name, options) {
      said.push([name, options])
      return {
        spanContext: () => ({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }),
        setAttribute: (...args) => said.push(args),
        setStatus: (status) => said.push(status),
        end: () => undefined,
      }
    },
  }
}

function closedLedger(): Ledger {
  const ledger = memoryLedger()
  void ledger.close()
  return ledger
}

function frozenLedger(): Ledger {
  const ledger = memoryLedger()
  void ledger.freeze('stop')
  return ledger
}

it('nothing secret is on the disk, and nobody else may read what is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-safety-'))
  const path = join(folder, 'ledger.db')
  const secrets: string[] = []
  for (const name of ['honest', 'storm', 'hang-up', 'server-error', 'talk'] as const) {
    const server = await hostileServer(name)
    const heard = listening(server.origin, { ledger: sqliteLedger({ path }) })
    await pay(heard, server.origin)
    const payloads = server.paid.map(({ credential }) => JSON.stringify(credential?.payload))
    secrets.push(...secretsOf(payloads), ...server.paid.map(({ credential }) => credential?.raw ?? KEY))
    // As it is while it runs, its log included, and as it is once it is closed.
    expect(await bytesIn(folder)).not.toMatch(pattern(secrets))
    await heard.payer.purser.close()
    expect(await bytesIn(folder)).not.toMatch(pattern(secrets))
    await server.close()
  }
  expect(await bytesIn(folder)).toContain('tempo/charge')
  await rm(folder, { recursive: true })
})

async function bytesIn(folder: string): Promise<string> {
  const files = await readdir(folder)
  const all = await Promise.all(files.map((file) => readFile(join(folder, file), 'latin1')))
  return all.join('\n').toLowerCase()
}

function pattern(secrets: readonly string[]): RegExp {
  return new RegExp(
    [...new Set(secrets)].map((secret) => secret.toLowerCase().replace(/[^\w]/g, '\\$&')).join('|'),
  )
}

it('a purser, its wallets and its policy show no key', async () => {
  const { payer } = listening('https://api.example.com')
  expectSilent([payer.purser, payer.purser.fetch, payer.ledger], [KEY.slice(2), RPC])
  // Faces, and nothing that is behind them.
  expect(['fetch', 'sessions', 'approvals']).toEqual(expect.arrayContaining(Object.keys(payer.purser)))
  await payer.purser.close()
})
