import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it, test } from 'vitest'
import { createPurser, type Purser } from '../../src/index.js'
import { memoryLedger } from '../../src/ledger/memory.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import type { PolicyDocument } from '../../src/policy/index.js'
import { tempoSession } from '../../src/session/index.js'
import { openSocket } from '../../src/socket/index.js'
import { purserInterceptor } from '../../src/undici/index.js'
import { approvePermit2, evm } from '../../src/wallet/evm/index.js'
import { lightning } from '../../src/wallet/lightning/index.js'
import { stripe } from '../../src/wallet/stripe/index.js'
import { tempo, tempoKeys } from '../../src/wallet/tempo/index.js'
import { TestClock } from '../ledger/fixtures.js'
import { fakeWallet, ORIGIN, Rail } from '../pay/peers.js'

const account = privateKeyToAccount(`0x${'1'.repeat(64)}`)
const POLICY: PolicyDocument = {
  perPayment: '1',
  budgets: [{ limit: '5', per: 'day' }],
  vendors: [{ origin: ORIGIN }],
}
let sent = 0

function purser(policy: PolicyDocument = POLICY): Purser {
  return createPurser({
    wallets: [fakeWallet(new Rail(), new TestClock())],
    policy,
    ledger: memoryLedger(),
    fetch: async () => {
      sent++
      return new Response('tea')
    },
  })
}

/** Calls as JavaScript does: with whatever somebody typed. */
function call(
  work: (...args: never[]) => unknown,
  self: unknown,
  ...args: readonly unknown[]
): () => Promise<unknown> {
  return async () => Reflect.apply(work, self, args)
}

const { fetch, quote, payments } = purser()
const mine = purser()
const invoice = { node: 'n', payInvoice: async () => ({ state: 'pending' }) }

describe('a mistyped name is refused, and the closest one suggested', () => {
  it.each<[string, () => unknown, string]>([
    ['init.payment', call(fetch, undefined, ORIGIN, { payment: { maxAmout: '0.001 USD' } }), 'maxAmount'],
    [
      'init.payment of a free call',
      call(fetch, undefined, 'https://free.example', { payment: { tsk: 'a' } }),
      'task',
    ],
    [
      'init.payment of quote()',
      call(quote, mine, ORIGIN, { payment: { idempotencykey: 'k' } }),
      'idempotencyKey',
    ],
    ['quote()', call(quote, mine, ORIGIN, {}, { sent: true }), 'send'],
    ['with()', call(mine.with, mine, { taks: 'a' }), 'task'],
    ['run()', call(mine.run, mine, { tsak: 'a' }, () => undefined), 'task'],
    ['recover()', call(mine.recover, mine, { reconsile: true }), 'reconcile'],
    [
      'payments()',
      async () => call(payments, mine, { vender: 'a' })().then((all) => Object(all).next()),
      'vendor',
    ],
    ['pins()', call(mine.pins, mine, { vender: 'a' }), 'vendor'],
    ['unpin()', call(mine.unpin, mine, { vendor: 'a', payees: 'b' }), 'payee'],
    ['discover()', call(mine.discover, mine, ORIGIN, { frsh: true }), 'fresh'],
    ['delegate()', call(mine.delegate, mine, { expire: 1 }), 'expires'],
    ['sessions.list()', call(mine.sessions.list, mine.sessions, { close: true }), 'closed'],
    ['createPurser()', call(createPurser, undefined, { wallet: [] }), 'wallets'],
    ['memoryLedger()', call(memoryLedger, undefined, { clok: 1 }), 'clock'],
    ['sqliteLedger()', call(sqliteLedger, undefined, { pth: '/x' }), 'path'],
    ['tempo()', call(tempo, undefined, { account, acessKey: account }), 'accessKey'],
    ['gas of tempo()', call(tempo, undefined, { account, gas: { reusd: 1n } }), 'reused'],
    ['tempoKeys()', call(tempoKeys, undefined, { account, chian: 1 }), 'chain'],
    ['tempoSession()', call(tempoSession, undefined, { account, deposits: '1' }), 'deposit'],
    ['evm()', call(evm, undefined, { account, chain: [1] }), 'chains'],
    ['gas of evm()', call(evm, undefined, { account, gas: { limits: 1n } }), 'limit'],
    ['approvePermit2()', call(approvePermit2, undefined, { account, tokn: 'x' }), 'token'],
    ['stripe()', call(stripe, undefined, { secretkey: 'sk_test_1' }), 'secretKey'],
    ['lightning()', call(lightning, undefined, { ...invoice, maxFees: {} }), 'maxFee'],
    ['maxFee of lightning()', call(lightning, undefined, { ...invoice, maxFee: { sat: 1n } }), 'sats'],
    ['openSocket()', call(openSocket, undefined, mine, ORIGIN, { protocol: 'x' }), 'protocols'],
    [
      'payment of openSocket()',
      call(openSocket, undefined, mine, ORIGIN, { payment: { maxAmt: '1' } }),
      'maxAmount',
    ],
    ['limits of openSocket()', call(openSocket, undefined, mine, ORIGIN, { limits: { frames: 1 } }), 'frame'],
    ['purserInterceptor()', call(purserInterceptor, undefined, mine, { limit: {} }), 'limits'],
    ['limits of it', call(purserInterceptor, undefined, mine, { limits: { kep: {} } }), 'keep'],
    ['its bounds', call(purserInterceptor, undefined, mine, { limits: { keep: { byts: 1 } } }), 'bytes'],
    ['its payment', call(purserInterceptor, undefined, mine, { payment: { maxAmt: '1' } }), 'maxAmount'],
    ['resolve()', call(mine.resolve, mine, 'x', { as: 'settled', by: 'ann', referense: 'x' }), 'reference'],
    ['resolve()', call(mine.resolve, mine, 'x', { as: 'released', by: 'ann', reson: 'x' }), 'reason'],
  ])('%s', async (_where, act, meant) => {
    sent = 0
    const refused = expect(Promise.resolve().then(act)).rejects
    await refused.toBeInstanceOf(TypeError)
    await expect(Promise.resolve().then(act)).rejects.toThrow(`: did you mean ${meant}?`)
    expect(sent).toBe(0)
  })
})

test('options that an object only inherits are not given', async () => {
  const inherited = Object.create({ maxAmount: 'nonsense', tool: '' })
  expect((await purser().fetch(ORIGIN, { payment: inherited })).status).toBe(200)
})

test.each([null, 'task', 5])('init.payment must be an object, and %o is none', async (payment) => {
  await expect(call(fetch, undefined, ORIGIN, { payment })()).rejects.toThrow(TypeError)
})

describe('a policy that can never pay with these wallets', () => {
  const kinds = fakeWallet(new Rail(), new TestClock()).kinds
  it.each<[string, PolicyDocument, string]>([
    ['names no vendor', { ...POLICY, vendors: [] }, 'vendors: no vendor may be paid'],
    [
      'names only networks of other wallets',
      { ...POLICY, networks: ['strpe'] },
      'networks: no wallet pays on strpe',
    ],
    [
      'names only chains of another kind',
      { ...POLICY, networks: ['solana:main'] },
      'no wallet pays on solana:main',
    ],
  ])('%s: it does not start', (_, policy, message) => {
    expect(kinds).toEqual(['tempo/charge'])
    expect(() => purser(policy)).toThrow(
      expect.objectContaining({ code: 'invalid_policy', funds: 'untouched' }),
    )
    expect(() => purser(policy)).toThrow(message)
  })

  it.each<[string, PolicyDocument, string]>([
    [
      'names a payee that is no address',
      { ...POLICY, vendors: [{ origin: ORIGIN, payees: ['0x742d'] }] },
      'vendors[0].payees[0]: 0x742d is a payee that no wallet can pay',
    ],
    ['has a limit above every budget', { ...POLICY, perPayment: '6' }, 'perPayment: is above every budget'],
    [
      'names one network of another wallet',
      { ...POLICY, networks: ['tempo', 'stripe'] },
      'networks: no wallet pays on stripe',
    ],
  ])('%s: an event says so, and the rest holds', async (_, policy, message) => {
    const doubtful = purser(policy)
    const heard: unknown[] = []
    doubtful.on('error', (event) => heard.push(event))
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toMatchObject([
      { during: 'start', error: expect.objectContaining({ message: expect.stringContaining(message) }) },
    ])
    expect((await doubtful.fetch(ORIGIN)).status).toBe(200)
  })

  it('says nothing of a policy that makes sense, nor of wallets that it does not know', async () => {
    const quiet = [
      purser(),
      purser({ ...POLICY, networks: ['tempo', 'eip155:4217'] }),
      purser({ ...POLICY, vendors: [{ origin: ORIGIN, payees: [`0x${'a'.repeat(40)}`] }] }),
      purser({ ...POLICY, unlisted: 'ask', vendors: [] }),
    ]
    const heard: unknown[] = []
    for (const one of quiet) one.on('error', (event) => heard.push(event))
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toEqual([])
  })
})
