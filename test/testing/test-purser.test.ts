import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { createPurser } from '../../src/index.js'
import { paidApi, testClock, testPurser, testWallet } from '../../src/testing/index.js'
import { closeAll, endOf, ORIGIN, POLICY, purserOf, SEARCH, server } from './kit.js'

const msw = server()
afterEach(closeAll)

const URL_PAID = `${ORIGIN}/search`
let calls = 0
/** Each call is another purchase. */
const next = () => `${URL_PAID}?q=${++calls}`

async function shop(price = '0.10 USD') {
  const api = await paidApi({ [SEARCH]: price })
  msw.use(...api.handlers)
  return api
}

describe('a purser for tests', () => {
  it('tells what was paid, held and left', async () => {
    await shop()
    const test = purserOf()
    expect([await test.paid(), await test.held(), await test.left()]).toEqual(['0 USD', '0 USD', '1 USD'])
    await test.purser.fetch(next())
    expect([await test.paid(), await test.held(), await test.left()]).toEqual(['0.1 USD', '0 USD', '0.9 USD'])
    expect(await test.payments()).toMatchObject([{ state: 'settled', delivered: true }])
  })

  it('tells what is left of the smallest budget', async () => {
    await shop()
    const { purser, left } = purserOf({
      policy: {
        ...POLICY,
        budgets: [
          { limit: '1 USD', per: 'day' },
          { limit: '0.25 USD', per: 'hour' },
          { payments: 60, per: 'minute' },
        ],
      },
    })
    await purser.fetch(next())
    expect(await left()).toBe('0.15 USD')
  })

  it('refuses what policy refuses, and signs nothing', async () => {
    const api = await shop('0.11 USD')
    const test = purserOf()
    expect((await test.purser.fetch(next())).status).toBe(402)
    expect([api.taken(), test.wallet.signatures, await test.paid()]).toEqual(['0 USD', 0, '0 USD'])
    const [refusal] = await test.refusals()
    expect(refusal?.reasons[0]).toMatchObject({ rule: 'perPayment', asked: '0.11 USD', limit: '0.1 USD' })
    expect(await test.payments()).toEqual([])
  })

  it('has a budget again on the next day, because the clock moves', async () => {
    const api = await shop()
    const { purser, advance, left } = purserOf()
    for (let call = 0; call < 10; call++) expect(await endOf(purser.fetch(next()))).toBe(200)
    expect(await endOf(purser.fetch(next()))).toBe(402)
    expect(await left()).toBe('0 USD')
    await advance('11h')
    expect(await endOf(purser.fetch(next()))).toBe(402)
    await advance('1h')
    expect(await endOf(purser.fetch(next()))).toBe(200)
    expect([await left(), api.taken()]).toEqual(['0.9 USD', '1.1 USD'])
  })

  it('runs out of money with its balance', async () => {
    const api = await shop()
    const test = purserOf({ balance: '0.25 USD' })
    expect(await endOf(test.purser.fetch(next()))).toBe(200)
    expect(await endOf(test.purser.fetch(next()))).toBe(200)
    const reply = await test.purser.fetch(next())
    expect(await reply.json()).toMatchObject({ code: 'insufficient_funds', funds: 'untouched' })
    expect(api.taken()).toBe('0.2 USD')
    // Another test has its own money, even if its wallet has the same name.
    expect(await endOf(purserOf({ balance: '0.25 USD' }).purser.fetch(next()))).toBe(200)
  })

  it('pays only in the ways that its wallet has', async () => {
    const api = await shop()
    const { purser } = purserOf({ kinds: ['x402/exact'] })
    await purser.fetch(next())
    expect(api.payments().map(({ kind }) => kind)).toEqual(['x402/exact'])
    const { purser: poor } = purserOf({ kinds: ['stripe/charge'] })
    const reply = await poor.fetch(next())
    expect([reply.status, poor.paymentFor(reply)?.state]).toEqual([402, 'not_paid'])
  })

  it('asks its approver', async () => {
    await shop()
    const approver = vi.fn(async () => ({ approved: true, by: 'ann' }) as const)
    const test = purserOf({ policy: { ...POLICY, ask: [{ above: '0.05 USD' }] }, approver })
    expect(await endOf(test.purser.fetch(next()))).toBe(200)
    expect(approver).toHaveBeenCalledOnce()
    expect((await test.payments())[0]?.approvedBy).toBe('ann')
  })

  it('tells sums of one task and one vendor', async () => {
    await shop()
    const test = purserOf()
    await test.purser.with({ task: 'report' }).fetch(next())
    await test.purser.fetch(next())
    expect(await test.paid({ task: 'report' })).toBe('0.1 USD')
    expect(await test.paid({ vendor: ORIGIN })).toBe('0.2 USD')
    expect(await test.paid({ vendor: 'https://other.example' })).toBe('0 USD')
  })

  it('pays the calls of code that uses the global fetch', async () => {
    const api = await shop()
    const { purser } = purserOf()
    using _ = purser.install()
    expect((await fetch(next())).status).toBe(200)
    expect(api.taken()).toBe('0.1 USD')
  })

  it('reports the same sums to every caller of one ledger, with concurrent calls', async () => {
    const api = await shop('0.03 USD')
    const test = purserOf()
    const ends = await Promise.all(Array.from({ length: 40 }, () => endOf(test.purser.fetch(next()))))
    expect(ends.filter((end) => end === 200)).toHaveLength(33)
    expect([api.taken(), await test.paid(), await test.left()]).toEqual(['0.99 USD', '0.99 USD', '0.01 USD'])
  })

  it('closes with the block that made it', async () => {
    const test = testPurser({ policy: POLICY })
    await test.purser.ready()
    await test[Symbol.asyncDispose]()
    await shop()
    expect(await endOf(test.purser.fetch(next()))).toBe('closed')
  })
})

describe('the parts', () => {
  it('make a purser with the options of your program', async () => {
    const api = await shop()
    const clock = testClock()
    const wallet = testWallet({ clock })
    await using purser = createPurser({
      wallets: [wallet],
      policy: POLICY,
      ledger: memoryLedger({ clock }),
      clock,
      fetch: (input, init) => fetch(input, init),
    })
    expect(await endOf(purser.fetch(next()))).toBe(200)
    expect([api.taken(), wallet.signatures]).toEqual(['0.1 USD', 1])
  })

  it('a clock starts at noon of a Monday and moves only forward', () => {
    const clock = testClock()
    expect(new Date(clock.now()).toISOString()).toBe('2026-01-05T12:00:00.000Z')
    clock.advance('90s')
    clock.advance(500)
    expect(clock.monotonic()).toBe(90_500)
    expect(() => clock.advance(-1)).toThrow(TypeError)
    expect(() => clock.advance('soon')).toThrow(/whole milliseconds/)
    expect(() => testClock(Number.NaN)).toThrow(TypeError)
  })

  it('a wallet says no to options that it does not have', () => {
    expect(() => Reflect.apply(testWallet, undefined, [{ money: '1' }])).toThrow(
      /testWallet\(\) has no option money/,
    )
    expect(() => testWallet({ balance: 'much' })).toThrow(/balance must be a decimal text/)
  })
})

describe('without msw', () => {
  it('paidApi says what to install, and testPurser works', async () => {
    vi.resetModules()
    vi.doMock('msw', () => {
      throw new Error("Cannot find package 'msw'")
    })
    const kit = await import('../../src/testing/index.js')
    await expect(kit.paidApi({ [SEARCH]: '0.01 USD' })).rejects.toMatchObject({
      name: 'PaymentError',
      code: 'invalid_config',
      message: 'paidApi() needs msw, and it cannot be loaded. Install it: npm install --save-dev msw',
    })
    await using test = kit.testPurser({ policy: POLICY })
    expect(await test.left()).toBe('1 USD')
    vi.doUnmock('msw')
    vi.resetModules()
  })
})
