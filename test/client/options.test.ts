import { expect, test } from 'vitest'
import { fileLedger } from '../../src/client/create.js'
import { type PurserOptions, readOptions as read, readMaxAmount } from '../../src/client/options.js'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { systemClock } from '../../src/ledger/index.js'
import { createPolicy } from '../../src/policy/index.js'
import { TestClock } from '../ledger/fixtures.js'
import { fakeWallet, Rail } from '../pay/peers.js'

const clock = new TestClock()
const wallet = fakeWallet(new Rail(), clock)
const policy = {
  perPayment: '0.10',
  budgets: [{ limit: '5', per: 'day' }],
  vendors: [{ origin: 'https://api.search.example' }],
} as const
const least: PurserOptions = { wallets: [wallet], policy }

const readOptions = (options: PurserOptions) => read(options, fileLedger)

/** Options as somebody passes them who does not compile. */
const spoilt = (wrong: Readonly<Record<string, unknown>>): PurserOptions => Object.assign({ ...least }, wrong)

test('everything but wallets and policy has a default', () => {
  const settings = readOptions(least)
  expect(settings).toMatchObject({
    agent: 'agent',
    wallets: [wallet],
    prefer: [],
    onRefusal: 'respond',
    doubtWindowMs: 120_000,
    patienceMs: 45_000,
    clock: systemClock,
  })
  expect(settings.http).toEqual({ limits: { keep: {} } })
  for (const name of ['approver', 'tracer'] as const) expect(settings[name]).toBeUndefined()
  expect(settings.policy.symbol).toBe('USD')
})

const DURATION = 'must be a whole number of milliseconds from 0 to 2147483647'

test('what is given is taken, and a loaded policy is taken as it is', async () => {
  const loaded = createPolicy(policy)
  const ledger = memoryLedger({ clock })
  const fetch = async () => new Response()
  const given = {
    agent: 'researcher',
    approver: async () => ({ approved: false, by: 'ann' }) as const,
    prefer: ['tempo/charge', { kind: 'stripe/*', q: 0 }],
    rates: { EUR: '1.12' },
    onRefusal: 'throw',
    doubtWindow: 0,
    patience: 1,
    tracer: {
      startSpan: () => {
        throw new TypeError('unused')
      },
    },
    clock,
  } as const
  const settings = readOptions({
    ...least,
    ...given,
    fetch,
    maxKeptBody: 5,
    policy: loaded,
    ledger,
  })
  const { doubtWindow: doubtWindowMs, patience: patienceMs, ...same } = given
  const prefer = [{ kind: 'tempo/charge' }, { kind: 'stripe/*', q: 0 }]
  expect(settings).toMatchObject({ ...same, prefer, doubtWindowMs, patienceMs })
  expect(settings.http).toMatchObject({ base: fetch, limits: { keep: { bytes: 5 } } })
  expect(settings.policy).toBe(loaded)
  expect(await settings.openLedger()).toBe(ledger)
})

test('undefined is the same as not given', () => {
  const names = [
    'agent',
    'ledger',
    'approver',
    'approvals',
    'passkeys',
    'currencies',
    'rates',
    'prefer',
    'onRefusal',
    'doubtWindow',
    'patience',
  ]
  const more = ['fetch', 'tracer', 'clock']
  const absent = Object.fromEntries([...names, ...more].map((name) => [name, undefined]))
  const { openLedger: _o, policy: _p, currencies: _c, ...settings } = readOptions(spoilt(absent))
  const { openLedger: _p2, policy: _o2, currencies: _c2, ...plain } = readOptions(least)
  expect(settings).toEqual(plain)
})

test('a function opens the ledger when it is needed, and not before', async () => {
  const ledger = memoryLedger({ clock })
  let opened = 0
  const { openLedger } = readOptions({
    ...least,
    ledger: async () => {
      opened++
      return ledger
    },
  })
  expect(opened).toBe(0)
  expect(await openLedger()).toBe(ledger)
  expect(opened).toBe(1)
})

test('the list of wallets is a copy, and frozen', () => {
  const wallets = [wallet]
  const settings = readOptions({ ...least, wallets })
  wallets.push(fakeWallet(new Rail(), clock, { id: 'fake:2' }))
  expect(settings.wallets).toEqual([wallet])
  expect(Object.isFrozen(settings.wallets)).toBe(true)
})

test.each([undefined, null, 'wallets', 402, () => undefined])('%o are no options', (options) => {
  const reading: (options: never) => unknown = readOptions
  expect(() => Reflect.apply(reading, undefined, [options])).toThrow(
    new TypeError('createPurser needs options: { wallets, policy }'),
  )
})

test('an option that does not exist is refused by its name', () => {
  expect(() => readOptions(spoilt({ aprover: () => undefined }))).toThrow(
    new TypeError('createPurser has no option aprover: did you mean approver?'),
  )
  expect(() => readOptions(spoilt({ toString: 1 }))).toThrow(
    /^createPurser has no option toString: use agent, wallets, /,
  )
})

const { quote: _quote, ...mute } = wallet
const PREFER = "prefer must be a list of kinds, for example ['tempo/charge', { kind: 'stripe/*', q: 0.5 }]"
const RATES = "rates must be decimal texts by code of ISO 4217 or id, for example { EUR: '1.12' }"
test.each<[option: string, value: unknown, message: string]>([
  ['agent', '', 'agent must be a name'],
  ['agent', '  ', 'agent must be a name'],
  ['agent', 7, 'agent must be a name'],
  ['agent', null, 'agent must be a name'],
  ['wallets', undefined, 'wallets must be a list with at least one wallet, for example [tempo({ account })]'],
  ['wallets', [], 'wallets must be a list with at least one wallet, for example [tempo({ account })]'],
  ['wallets', wallet, 'wallets must be a list with at least one wallet, for example [tempo({ account })]'],
  [
    'wallets',
    [wallet, 'tempo'],
    'wallets[1] is not a wallet: it needs id, kinds, quote, prepare and inspect',
  ],
  ['wallets', [null], 'wallets[0] is not a wallet: it needs id, kinds, quote, prepare and inspect'],
  ['wallets', [mute], 'wallets[0] is not a wallet: it needs id, kinds, quote, prepare and inspect'],
  [
    'wallets',
    [{ ...wallet, id: '' }],
    'wallets[0] is not a wallet: it needs id, kinds, quote, prepare and inspect',
  ],
  [
    'wallets',
    [{ ...wallet, kinds: 'tempo/charge' }],
    'wallets[0] is not a wallet: it needs id, kinds, quote, prepare and inspect',
  ],
  ['wallets', [wallet, wallet], 'Two wallets have the id fake:1: evidence could not tell them apart'],
  ['policy', 'policy.yaml', 'policy must be a policy document: { perPayment, budgets, vendors }'],
  ['policy', null, 'policy must be a policy document: { perPayment, budgets, vendors }'],
  ['ledger', 'ledger.db', 'ledger must be a ledger, or what opens one'],
  ['ledger', {}, 'ledger must be a ledger, or what opens one'],
  ['ledger', null, 'ledger must be a ledger, or what opens one'],
  ['approver', true, 'approver must be a function'],
  ['approvals', 'anyone', "approvals must be 'ledger'"],
  ['currencies', {}, 'currencies must be a list of currencies'],
  ['currencies', ['USD'], 'currencies must be a list of currencies'],
  ['currencies', [{}], 'A currency needs an id like "eip155:4217/erc20:0x…" or "iso4217:USD"'],
  ['prefer', 'tempo/charge', PREFER],
  ['prefer', ['tempo'], PREFER],
  ['prefer', [7], PREFER],
  ['prefer', [null], PREFER],
  ['prefer', [{ kind: 'tempo/charge', q: 1.5 }], PREFER],
  ['prefer', [{ kind: 'tempo/charge', q: '1' }], PREFER],
  ['prefer', [{ q: 1 }], PREFER],
  ['rates', 'EUR', RATES],
  ['rates', { ETH: '4000' }, RATES],
  ['rates', { EUR: 1.12 }, RATES],
  ['onRefusal', 'ignore', "onRefusal must be 'respond' or 'throw'"],
  ['onRefusal', true, "onRefusal must be 'respond' or 'throw'"],
  ['doubtWindow', -1, `doubtWindow ${DURATION}`],
  ['doubtWindow', '2m', `doubtWindow ${DURATION}`],
  ['doubtWindow', Number.NaN, `doubtWindow ${DURATION}`],
  ['patience', Number.POSITIVE_INFINITY, `patience ${DURATION}`],
  ['patience', 1n, `patience ${DURATION}`],
  ['fetch', {}, 'fetch must be a function'],
  ['tracer', () => undefined, 'tracer must be an OpenTelemetry tracer'],
  ['tracer', {}, 'tracer must be an OpenTelemetry tracer'],
  ['clock', Date, 'clock must be a clock: { now, monotonic }'],
  ['clock', { now: () => 0 }, 'clock must be a clock: { now, monotonic }'],
])('%s, wrong in one way (case %#)', (option, value, message) => {
  expect(() => readOptions(spoilt({ [option]: value }))).toThrow(new TypeError(message))
})

test('no policy, or one that does not hold, is a payment error that says so', () => {
  expect(() => readOptions(spoilt({ policy: undefined }))).toThrow(
    expect.objectContaining({ code: 'invalid_policy', funds: 'untouched' }),
  )
  expect(() => readOptions(spoilt({ policy: {} }))).toThrow(
    expect.objectContaining({ code: 'invalid_policy' }),
  )
  expect(() => readOptions(spoilt({ policy: { ...policy, perPaiment: '1' } }))).toThrow(/perPaiment/)
})

test.each([
  ['0.05', 50_000_000n],
  ['0.05 USD', 50_000_000n],
  ['0', 0n],
  ['12', 12_000_000_000n],
])('maxAmount %j is %i units', (text, units) => {
  expect(readMaxAmount(text, 'USD')).toBe(units)
})

test.each(['', '0.05 EUR', '0.05USD', '0.05  USD', '0.05 usd', '-1', '1e3', '1.0000000001', '.', 'all'])(
  'maxAmount %j is refused',
  (text) => {
    expect(() => readMaxAmount(text, 'USD')).toThrow(
      new TypeError("maxAmount must be a decimal text in USD, for example '0.05' or '0.05 USD'"),
    )
  },
)

test.each([0.05, 5n, null, {}])('maxAmount %o: money is text, never a number', (value) => {
  expect(() => Reflect.apply(readMaxAmount, undefined, [value, 'USD'])).toThrow(TypeError)
})
