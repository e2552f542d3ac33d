import { runInNewContext } from 'node:vm'
import { SpanStatusCode } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { expect, test } from 'vitest'
import { PaymentSpan, type SpanLike } from '../../src/client/trace.js'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { Payment } from '../../src/ledger/index.js'
import { Events, type Refusal } from '../../src/pay/index.js'
import { holdOf, TestClock } from '../ledger/fixtures.js'
import { resource } from '../pay/peers.js'

function bench() {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  return { tracer: provider.getTracer('test'), spans: () => exporter.getFinishedSpans() }
}

async function aPayment(): Promise<Payment> {
  const ledger = memoryLedger({ clock: new TestClock() })
  await ledger.renew('me', 60_000)
  const held = await ledger.hold(await holdOf(ledger, 'p1'))
  if (!held.ok) throw new TypeError('nothing was held')
  return held.payment
}

test('one span per payment, with what was bought, for how much, and where the money is', async () => {
  const { tracer, spans } = bench()
  const span = new PaymentSpan(tracer, { 'purser.agent': 'researcher' })
  span.end(await aPayment(), undefined)
  const [one, ...more] = spans()
  expect(more).toEqual([])
  expect(one?.name).toBe('purser.payment')
  expect(one?.status.code).toBe(SpanStatusCode.UNSET)
  expect(one?.attributes).toEqual({
    'purser.agent': 'researcher',
    'purser.payment': 'p1',
    'purser.state': 'held',
    'purser.kind': 'tempo/charge',
    'purser.network': 'eip155:4217',
    'purser.amount': '0.1 pathUSD',
    'purser.delivered': false,
  })
})

test('the traceparent is that of the span, in the form of W3C', () => {
  const { tracer, spans } = bench()
  const span = new PaymentSpan(tracer, {})
  span.end(undefined, undefined)
  const context = spans()[0]?.spanContext()
  expect(span.trace).toBe(`00-${context?.traceId}-${context?.spanId}-01`)
  expect(span.trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
})

test('a refusal and a failure say their code', () => {
  const { tracer, spans } = bench()
  const refusal: Refusal = { state: 'refused', code: 'frozen', reasons: [], resource: resource() }
  new PaymentSpan(tracer, {}).end(refusal, 'frozen')
  expect(spans()[0]).toMatchObject({
    attributes: { 'purser.state': 'refused', 'purser.code': 'frozen' },
    status: { code: SpanStatusCode.ERROR, message: 'frozen' },
  })
})

const fail = (): never => {
  throw new RangeError('observer')
}
const good: SpanLike = {
  spanContext: () => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 0 }),
  setAttribute: () => undefined,
  setStatus: () => undefined,
  end: () => undefined,
}

test.each<[string, Partial<SpanLike>]>([
  ['spanContext', { spanContext: fail }],
  ['setAttribute', { setAttribute: fail }],
  ['setStatus', { setStatus: fail }],
  ['end', { end: fail }],
])('a span whose %s throws fails no payment', async (_what, broken) => {
  const span = new PaymentSpan({ startSpan: () => ({ ...good, ...broken }) }, {})
  const payment = await aPayment()
  expect(() => span.end(payment, 'failed')).not.toThrow()
})

test('a tracer that throws fails no payment', () => {
  const span = new PaymentSpan({ startSpan: fail }, {})
  expect(span.trace).toBeUndefined()
  expect(() => span.end(undefined, undefined)).not.toThrow()
})

/** What ends a process, while something runs. */
async function unhandled(work: () => unknown): Promise<readonly unknown[]> {
  const heard: unknown[] = []
  const hear = (reason: unknown): void => void heard.push(reason)
  process.on('unhandledRejection', hear)
  try {
    await work()
    await new Promise((resolve) => setTimeout(resolve, 5))
    return heard
  } finally {
    process.off('unhandledRejection', hear)
  }
}

const reject = (): never => Promise.reject(new RangeError('observer')) as never

test('a span that fails later ends no process, and is ended all the same', async () => {
  let ended = 0
  const span: SpanLike = {
    spanContext: reject,
    setAttribute: reject,
    setStatus: reject,
    end: () => {
      ended++
      return reject()
    },
  }
  const payment = await aPayment()
  const run = (): void => {
    const one = new PaymentSpan({ startSpan: () => span }, {})
    expect(one.trace).toBeUndefined()
    one.end(payment, 'failed')
    new PaymentSpan({ startSpan: reject }, {}).end(payment, 'failed')
  }
  expect(await unhandled(run)).toEqual([])
  expect(ended).toBe(1)
})

test.each([
  { traceId: 'a'.repeat(31), spanId: 'b'.repeat(16), traceFlags: 1 },
  { traceId: { secret: 'x' }, spanId: 'b'.repeat(16), traceFlags: 1 },
  { traceId: 'a'.repeat(32), spanId: `b\n${'b'.repeat(15)}`, traceFlags: 1 },
  { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 4096 },
  {},
])('what is no trace context is not written down', (context) => {
  const span = { ...good, spanContext: () => context as unknown as ReturnType<SpanLike['spanContext']> }
  expect(new PaymentSpan({ startSpan: () => span }, {}).trace).toBeUndefined()
})

test('a listener that fails later, with a promise of whatever make, ends no process', async () => {
  const events = new Events()
  const foreign: unknown = runInNewContext("() => Promise.reject(new RangeError('observer'))")
  for (const listener of [reject, foreign as () => unknown]) events.on('error', listener)
  expect(await unhandled(() => events.emit('error', { error: 1, during: 'x' }))).toEqual([])
})
