import diagnostics from 'node:diagnostics_channel'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatAmount, isPaymentError } from '../../src/index.js'
import { ACCOUNTS } from '../chain/chain.js'
import { only, record, startWorld, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.stop())

/** Events reach listeners a moment later. */
const moment = () => new Promise((resolve) => setTimeout(resolve, 10))

describe('quote()', () => {
  it('says what a call would cost and what policy would say, and signs nothing', async () => {
    const buyer = await world.buyer({ policy: { perPayment: '0.015' } })
    const { reply, offers, unpayable } = await buyer.purser.quote(world.api.url('/offers'))
    expect(reply.status).toBe(402)
    expect(offers.map(({ terms }) => formatAmount(terms.most))).toEqual(['0.01 pathUSD', '0.02 AlphaUSD'])
    expect(offers.map(({ decision, fits }) => [decision.effect, fits])).toEqual([
      ['allow', true],
      ['deny', true],
    ])
    expect(unpayable).toEqual([])
    expect(buyer.signatures()).toBe(0)
    expect(await buyer.payments()).toEqual([])
  })

  it('says when a budget has no room for it', async () => {
    const buyer = await world.buyer({ policy: { budgets: [{ limit: '0.05', per: 'day' }] } })
    await buyer.get('/paid')
    const { offers } = await buyer.purser.quote(world.api.url('/price/0.02'))
    expect(only(offers)).toMatchObject({ fits: false, decision: { effect: 'allow' } })
  })

  it('gives the answer of what is free, and sends nothing unsafe unasked', async () => {
    const buyer = await world.buyer()
    const { reply, offers } = await buyer.purser.quote(world.api.url('/free'))
    expect([reply.status, offers]).toEqual([200, []])
    const post = { method: 'POST', body: 'tea' }
    expect(() => buyer.purser.quote(world.api.url('/paid'), post)).toThrow(TypeError)
    expect((await buyer.purser.quote(world.api.url('/paid'), post, { send: true })).offers).toHaveLength(1)
  })
})

describe('what stands behind a reply', () => {
  it('is the payment', async () => {
    const buyer = await world.buyer()
    const response = await buyer.get('/paid')
    const payment = buyer.purser.paymentFor(response)
    expect(payment).toMatchObject({ state: 'settled', delivered: true, effect: 'allow' })
    expect(buyer.purser.paymentFor(await buyer.get('/free'))).toBeUndefined()
    expect(buyer.purser.paymentFor({})).toBeUndefined()
  })

  it('is the refusal, with its reasons', async () => {
    const buyer = await world.buyer({ policy: { perPayment: '0.001' } })
    const outcome = buyer.purser.paymentFor(await buyer.get('/paid'))
    expect(outcome).toMatchObject({ state: 'refused', code: 'refused', payment: { state: 'denied' } })
    const throwing = await world.buyer({ policy: { perPayment: '0.001' }, onRefusal: 'throw' })
    const error: unknown = await throwing.get('/paid').catch((thrown: unknown) => thrown)
    if (!isPaymentError(error)) throw error
    expect(throwing.purser.paymentFor(error)).toMatchObject({ state: 'refused' })
  })
})

describe('what is written down', () => {
  it('receipts, by agent, task and vendor', async () => {
    const buyer = await world.buyer({ agent: 'researcher' })
    await buyer.purser.with({ task: 'tea' }).fetch(world.api.url('/paid'))
    await buyer.get('/price/0.02')
    const receipts = []
    for await (const receipt of buyer.purser.receipts({ task: 'tea' })) receipts.push(receipt)
    expect(only(receipts)).toMatchObject({
      agent: 'researcher',
      tasks: ['tea'],
      vendor: world.api.origin,
      operation: 'GET /paid',
      receipt: { success: true, method: 'tempo', reference: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
    })
    expect(await buyer.payments({ vendor: 'https://elsewhere.example' })).toEqual([])
    expect(await buyer.payments({ agent: 'researcher', states: ['settled'] })).toHaveLength(2)
    expect((await buyer.payments({ limit: 1 }))[0]?.terms.most.value).toBe(20_000n)
  })

  it('no credential, no key, no query string', async () => {
    const buyer = await world.buyer()
    await buyer.get('/paid?secret=hunter2')
    const written = JSON.stringify(await buyer.payments(), (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    )
    expect(written).not.toContain('hunter2')
    expect(written).not.toContain('signature')
    expect(written.toLowerCase()).toContain(ACCOUNTS.payee.address.toLowerCase())
  })

  it('budgets, with what is spent and when they open again', async () => {
    const buyer = await world.buyer({
      policy: {
        perTask: '1',
        budgets: [
          { limit: '5', per: 'day' },
          { payments: 9, per: 'hour' },
        ],
      },
    })
    await buyer.purser.with({ task: 'tea' }).fetch(world.api.url('/sponsored'))
    const budgets = await buyer.purser.budgets()
    const day = budgets.find(({ rule }) => rule === 'budget.day')
    expect(day).toMatchObject({
      limit: 5_000_000_000n,
      spent: 10_000_000n,
      held: 0n,
      remaining: 4_990_000_000n,
    })
    expect(day?.message).toBe('0.01 USD of 5 USD spent')
    expect(day?.resetsAt).toBeGreaterThan(Date.now())
    expect(budgets.find(({ counts }) => counts === 'payments')?.message).toBe('1 of 9 payments')
    // The task's own budget stands where the task is.
    const own = await buyer.purser.with({ task: 'tea' }).budgets()
    expect(own.find(({ scope }) => scope.task === 'tea')?.message).toBe('0.01 USD of 1 USD spent')
  })
})

describe('a task', () => {
  it('is bound by with(), and nests', async () => {
    const buyer = await world.buyer({ policy: { perTask: '0.04' } })
    const tea = buyer.purser.with({ task: 'tea' })
    expect((await tea.fetch(world.api.url('/paid'))).status).toBe(200)
    await buyer.purser.recover({ reconcile: true })
    // What the inner task spends, the outer one has spent too.
    const inner = await tea.with({ task: 'green' }).fetch(world.api.url('/price/0.03'))
    expect(inner.status).toBe(402)
    expect((await buyer.purser.with({ task: 'coffee' }).fetch(world.api.url('/paid'))).status).toBe(200)
  })

  it('reaches the global fetch through run()', async () => {
    const buyer = await world.buyer()
    const restore = buyer.purser.install()
    try {
      await Promise.all(
        ['tea', 'coffee'].map((task) =>
          buyer.purser.run({ task }, async () => {
            await moment()
            expect((await fetch(world.api.url(`/paid?for=${task}`))).status).toBe(200)
          }),
        ),
      )
    } finally {
      restore()
    }
    expect((await fetch(world.api.url('/paid'))).status).toBe(402)
    expect((await buyer.payments()).map(({ context }) => context.tasks).sort()).toEqual([['coffee'], ['tea']])
  })
})

describe('what happens can be watched', () => {
  it('by listeners, in order', async () => {
    const buyer = await world.buyer()
    const names: string[] = []
    for (const name of ['offer', 'decision', 'payment', 'receipt', 'refusal', 'anomaly', 'error'] as const)
      buyer.purser.on(name, () => void names.push(name))
    await buyer.get('/paid')
    await moment()
    expect(names).toEqual(['offer', 'payment', 'decision', 'payment', 'receipt', 'payment'])
    await buyer.get('/paid', { payment: { maxAmount: '0.001' } })
    await moment()
    expect(names.slice(6)).toEqual(['offer', 'payment', 'decision', 'refusal'])
  })

  it('on diagnostics channels', async () => {
    const buyer = await world.buyer()
    const states: unknown[] = []
    const listen = (event: unknown) => states.push(record(record(event)['payment'])['state'])
    diagnostics.subscribe('purser:payment', listen)
    try {
      await buyer.get('/paid')
      await moment()
    } finally {
      diagnostics.unsubscribe('purser:payment', listen)
    }
    expect(states).toEqual(['held', 'committed', 'settled'])
  })

  it('as one span per payment, whose trace is stored with it', async () => {
    const exporter = new InMemorySpanExporter()
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    const context = new AsyncLocalStorageContextManager().enable()
    const buyer = await world.buyer({ tracer: provider.getTracer('test'), policy: { perPayment: '0.01' } })
    await buyer.get('/free')
    await buyer.get('/paid')
    await buyer.get('/price/0.02')
    context.disable()
    const [paid, denied, ...more] = exporter.getFinishedSpans()
    expect(more).toEqual([])
    expect(paid).toMatchObject({
      name: 'purser.payment',
      status: { code: 0 },
      attributes: {
        'purser.agent': 'agent',
        'purser.vendor': world.api.origin,
        'purser.operation': 'GET /paid',
        'purser.state': 'settled',
        'purser.amount': '0.01 AlphaUSD',
        'purser.delivered': true,
      },
    })
    expect(denied).toMatchObject({ status: { code: 2 }, attributes: { 'purser.code': 'refused' } })
    const { trace } = only(await buyer.payments({ states: ['settled'] }))
    const { traceId, spanId } = paid?.spanContext() ?? { traceId: '', spanId: '' }
    expect(trace).toBe(`00-${traceId}-${spanId}-01`)
  })
})

it('pays nothing any more once it is closed', async () => {
  const buyer = await world.buyer()
  await buyer.get('/paid')
  await buyer.purser.close()
  await expect(buyer.get('/paid')).rejects.toMatchObject({ code: 'closed', funds: 'untouched' })
  expect(buyer.signatures()).toBe(1)
})
