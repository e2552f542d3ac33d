import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { createPolicy, type Policy } from '../../src/entry/policy.js'
import type { Ledger, PurserOptions, Wallet } from '../../src/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { countingAccount, type Got, type Payer, payerFor, policyFor, type SetUp } from './kit.js'
import { stubNode } from './node.js'
import { CHAIN_ID, type HostileServer, hostileServer } from './server.js'

/** What dependencies quote when they fail: nobody may ever repeat it. */
const SECRET = 'hunter2-sk-live-4242'

function failure(): Error {
  return Object.assign(new Error(`request failed: https://user:${SECRET}@rpc.example/?key=${SECRET}`), {
    request: { headers: { authorization: `Bearer ${SECRET}` }, body: SECRET },
  })
}

type Fault = readonly [string, () => unknown]

const FAULTS: readonly Fault[] = [
  [
    'throws',
    () => {
      throw failure()
    },
  ],
  ['rejects', () => Promise.reject(failure())],
]

/** For what is not asynchronous. */
const THROWS = FAULTS.slice(0, 1)

const NONSENSE: readonly Fault[] = [
  undefined,
  null,
  0,
  'allow',
  true,
  [],
  {},
  { effect: 'allow' },
  { ok: true },
].map((value): Fault => [`returns ${JSON.stringify(value)}`, () => value])

/** An object with one of its methods replaced. */
function withFault<T extends object>(target: T, method: keyof T, fault: () => unknown): T {
  return new Proxy(
    {},
    {
      get: (_, name) => {
        if (name === method) return fault
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
      has: (_, name) => Reflect.has(target, name),
    },
  ) as T
}

interface Scene {
  readonly server: HostileServer
  readonly payer: Payer
}

async function scene(make: (origin: string) => SetUp, use: (scene: Scene) => Promise<void>): Promise<void> {
  const server = await hostileServer('honest')
  const payer = payerFor(server.origin, make(server.origin))
  try {
    await use({ server, payer })
  } finally {
    await payer.purser.close().catch(() => undefined)
    await server.close()
  }
}

const FUNDS = ['untouched', 'held', 'committed', 'settled', 'unknown']

/** Not paid, told in a way that says where the money is, and without a word of what the dependency said. */
function expectClosed(got: Got): void {
  expect(got.status === undefined || got.status === 402).toBe(true)
  expect(FUNDS).toContain(got.funds)
  expectSilent(got)
}

function expectSilent(got: Got): void {
  const told = [got.body, got.error?.message, JSON.stringify(got.error), inspect(got.error, { depth: 10 })]
  for (const text of told) expect(text ?? '').not.toContain(SECRET)
}

const purserWith = (purser: Partial<PurserOptions>): SetUp => ({ purser })

describe('a policy whose evaluation', () => {
  const policyOf = (origin: string): Policy => createPolicy(policyFor(origin))
  it.each([...THROWS, ...NONSENSE])('%s: nothing is signed', async (_, fault) => {
    const make = (origin: string) => purserWith({ policy: withFault(policyOf(origin), 'evaluate', fault) })
    await scene(make, async ({ payer, server }) => {
      const got = await payer.call('/a')
      expectClosed(got)
      expect([payer.signatures, server.paid.length]).toEqual([0, 0])
    })
  })

  it.each([...THROWS, ...NONSENSE])('bounds %s: nothing is signed', async (_, fault) => {
    const make = (origin: string) => purserWith({ policy: withFault(policyOf(origin), 'bounds', fault) })
    await scene(make, async ({ payer, server }) => {
      const got = await payer.call('/a')
      expectSilent(got)
      expect([payer.signatures, server.paid.length]).toEqual([0, 0])
    })
  })
})

describe('a ledger whose', () => {
  const methods = ['id', 'facts', 'hold', 'advance', 'renew'] as const
  const cases = methods.flatMap((method) => FAULTS.map(([how, fault]) => [method, how, fault] as const))
  it.each(cases)('%s %s: no credential leaves', async (method, _, fault) => {
    const make = () => ({ ledger: withFault(memoryLedger(), method, fault) })
    await scene(make, async ({ payer, server }) => {
      const got = await payer.call('/a')
      expect(got.status).not.toBe(200)
      expect(server.paid).toEqual([])
      expect(method === 'advance' || payer.signatures === 0).toBe(true)
    })
  })

  it.each(NONSENSE)('hold %s: no credential leaves', async (_, fault) => {
    const make = () => ({ ledger: withFault<Ledger>(memoryLedger(), 'hold', async () => fault()) })
    await scene(make, async ({ payer, server }) => {
      await payer.call('/a')
      expect(server.paid).toEqual([])
    })
  })

  it.each(NONSENSE)('step to committed %s: no credential leaves', async (_, fault) => {
    const inner = memoryLedger()
    const make = () => ({
      ledger: withFault<Ledger>(inner, 'advance', async () => {
        const value = fault()
        // One that says yes is believed: there is nobody else to ask.
        return Object(value).ok === true ? { ok: false, payment: await anyPayment(inner) } : value
      }),
    })
    await scene(make, async ({ payer, server }) => {
      await payer.call('/a')
      expect(server.paid).toEqual([])
    })
  })
})

async function anyPayment(ledger: Ledger): Promise<unknown> {
  for await (const payment of ledger.find({})) return payment
  return undefined
}

/** The tempo wallet, with one of its methods replaced. */
function walletWith(method: keyof Wallet, fault: (inner: Wallet) => unknown, count: () => void): Wallet {
  const account = countingAccount(count)
  const inner = tempo({ account, rpc: { [CHAIN_ID]: 'http://127.0.0.1:1/' }, fetch: stubNode().fetch })
  return withFault(inner, method, () => fault(inner))
}

describe('a wallet whose', () => {
  it.each([...FAULTS, ...NONSENSE])('quote %s: nothing is signed', async (_, fault) => {
    let signed = 0
    const wallet = walletWith('quote', fault, () => signed++)
    await scene(
      () => purserWith({ wallets: [wallet] }),
      async ({ payer, server }) => {
        expectClosed(await payer.call('/a'))
        expect([signed, server.paid.length]).toEqual([0, 0])
      },
    )
  })

  it.each([...FAULTS, ...NONSENSE])('prepare %s: nothing leaves, and nothing is held', async (_, fault) => {
    let signed = 0
    const wallet = walletWith('prepare', fault, () => signed++)
    await scene(
      () => purserWith({ wallets: [wallet] }),
      async ({ payer, server }) => {
        const got = await payer.call('/a')
        expectClosed(got)
        expect(got.code).toBe('wallet_failed')
        expect([signed, server.paid.length, await payer.counted()]).toEqual([0, 0, 0])
        expect(
          (await payer.payments()).filter(({ state }) => state !== 'denied' && state !== 'released'),
        ).toEqual([])
      },
    )
  })

  it.each([...FAULTS, ...NONSENSE])('complete %s: it is a doubt, and counts', async (_, fault) => {
    const account = countingAccount(() => undefined)
    const inner = tempo({ account, rpc: { [CHAIN_ID]: 'http://127.0.0.1:1/' }, fetch: stubNode().fetch })
    const wallet: Wallet = {
      ...inner,
      prepare: async (authorization, options) => {
        const prepared = await inner.prepare(authorization, options)
        return { ...prepared, complete: Object.assign(fault) as typeof prepared.complete }
      },
    }
    await scene(
      () => purserWith({ wallets: [wallet] }),
      async ({ payer, server }) => {
        const got = await payer.call('/a')
        expect([got.code, got.funds]).toEqual(['payment_in_doubt', 'unknown'])
        expect(server.paid).toEqual([])
        expect(await payer.counted()).toBe(3.06)
        expect(got.body ?? '').not.toContain(SECRET)
        expect(JSON.stringify(got.error)).not.toContain(SECRET)
      },
    )
  })

  it.each([...FAULTS, ...NONSENSE])('inspect %s: nothing is proven', async (_, fault) => {
    const wallet = walletWith('inspect', fault, () => undefined)
    const lost = await hostileServer('verification-failed')
    const payer = payerFor(lost.origin, purserWith({ wallets: [wallet] }))
    await payer.call('/a')
    await payer.purser.recover({ reconcile: true }).catch(() => undefined)
    expect((await payer.payments()).map(({ state }) => state)).toEqual(['committed'])
    expect(await payer.counted()).toBe(3.06)
    await payer.purser.close()
    await lost.close()
  })

  it.each([
    ['throws', () => Promise.reject(failure())],
    ['answers nothing', async () => undefined],
    ['answers half a signature', async () => '0x1234'],
    ['answers words', async () => 'signed'],
  ])('account %s: nothing leaves', async (_, sign) => {
    const account = { ...countingAccount(() => undefined), sign: sign as never }
    await scene(
      () => ({ wallet: { account } }),
      async ({ payer, server }) => {
        const got = await payer.call('/a')
        expectClosed(got)
        expect(got.code).toBe('wallet_failed')
        expect([server.paid.length, await payer.counted()]).toEqual([0, 0])
      },
    )
  })

  it.each([
    [
      'throws',
      () => {
        throw failure()
      },
    ],
    ['gives nothing', () => new Uint8Array()],
    ['gives too little', () => new Uint8Array(1)],
  ])('randomness %s: nothing leaves', async (_, random) => {
    await scene(
      () => ({ wallet: { random } }),
      async ({ payer, server }) => {
        const got = await payer.call('/a')
        expectSilent(got)
        expect(server.paid).toEqual([])
      },
    )
  })

  it('account hangs: the caller can give up, and the budget is free again', async () => {
    const account = { ...countingAccount(() => undefined), sign: () => new Promise<never>(() => undefined) }
    await scene(
      () => ({ wallet: { account } }),
      async ({ payer, server }) => {
        const got = await payer.call('/a', { signal: AbortSignal.timeout(200) })
        expect(got.thrown).toMatchObject({ name: 'TimeoutError' })
        expect([server.paid.length, await payer.counted()]).toEqual([0, 0])
      },
    )
  })
})

describe('an approver that', () => {
  const asks = { policy: { ask: [{ above: '0.001' }], approval: { timeout: '1s' } } }
  const hangs: Fault = ['hangs', () => new Promise(() => undefined)]
  it.each([...FAULTS, ...NONSENSE, hangs])('%s: nothing is signed', async (_, fault) => {
    await scene(
      () => ({ ...asks, ...purserWith({ approver: Object.assign(fault) as never }) }),
      async ({ payer, server }) => {
        const got = await payer.call('/a')
        expectClosed(got)
        expect([payer.signatures, server.paid.length, await payer.counted()]).toEqual([0, 0, 0])
      },
    )
  })

  it('hangs, after the caller gave up while the budget was being held, is not waited for', async () => {
    const control = new AbortController()
    const inner = memoryLedger()
    const ledger = withFault<Ledger>(inner, 'hold', async () => undefined)
    const holding: Ledger = new Proxy(ledger, {
      get: (target, name) =>
        name === 'hold'
          ? async (hold: Parameters<Ledger['hold']>[0]) => {
              control.abort(new DOMException('given up', 'AbortError'))
              return inner.hold(hold)
            }
          : Reflect.get(target, name),
    })
    await scene(
      () => ({
        policy: { ask: [{ above: '0.001' }], approval: { timeout: '1h' } },
        ledger: holding,
        ...purserWith({ approver: () => new Promise(() => undefined) }),
      }),
      async ({ payer }) => {
        const got = await payer.call('/a', { signal: control.signal })
        expect(got.thrown).toMatchObject({ name: 'AbortError' })
        expect([payer.signatures, await payer.counted()]).toEqual([0, 0])
      },
    )
  })
})

describe('a clock that', () => {
  it.each([
    [
      'throws',
      () => {
        throw failure()
      },
    ],
    ['is not a number', () => Number.NaN],
    ['is nothing', () => undefined as never],
  ])('%s: nothing leaves', async (_, now) => {
    await scene(
      () => purserWith({ clock: { now, monotonic: () => performance.now() } }),
      async ({ payer, server }) => {
        expectSilent(await payer.call('/a'))
        expect(server.paid).toEqual([])
      },
    )
  })

  it('is set back by two days stops payments until somebody confirms it', async () => {
    let skew = 0
    const clock = { now: () => Date.now() + skew, monotonic: () => performance.now() }
    await scene(
      () => ({ ledger: memoryLedger({ clock }), ...purserWith({ clock }) }),
      async ({ payer }) => {
        expect((await payer.call('/a')).status).toBe(200)
        skew = -2 * 86_400_000
        const got = await payer.call('/b')
        expect([got.code, got.funds, payer.signatures]).toEqual(['clock_jumped', 'untouched', 1])
      },
    )
  })
})

describe('listeners that', () => {
  const events = [
    'offer',
    'decision',
    'approval',
    'payment',
    'receipt',
    'refusal',
    'anomaly',
    'error',
  ] as const
  const hangs: Fault = ['hang', () => new Promise(() => undefined)]
  it.each([...FAULTS, ...NONSENSE, hangs])('%s neither stop a payment nor make one', async (_, fault) => {
    await scene(
      () => ({ policy: { budgets: [{ limit: '0.0306 USD', per: 'day' }] } }),
      async ({ payer }) => {
        for (const event of events) payer.purser.on(event, fault)
        expect((await payer.call('/a')).status).toBe(200)
        expect((await payer.call('/b')).code).toBe('refused')
        expect(payer.signatures).toBe(1)
      },
    )
  })
})

it('a purser without a ledger that opens pays nothing', async () => {
  await scene(
    () => purserWith({ ledger: () => Promise.reject(failure()) }),
    async ({ payer, server }) => {
      const got = await payer.call('/a')
      expect(got.status).toBeUndefined()
      expect([payer.signatures, server.paid.length]).toEqual([0, 0])
    },
  )
})
