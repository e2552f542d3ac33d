import { describe, expect, test } from 'vitest'
import type { Payment } from '../../../src/index.js'
import {
  datasOf,
  PRICE,
  type Stage,
  type StreamOptions,
  serveStream,
  type Taking,
  type Till,
  till,
  until,
} from './kit.js'

const totals = (...times: number[]): bigint[] => times.map((each) => BigInt(each) * PRICE)
const utf8 = new TextEncoder()

describe('a stream that costs by the event', () => {
  test('is read to its end, each event paid for, and the caller sees nothing of it', async () => {
    await using server = await serveStream()
    await using counter = till(server)
    const reply = await counter.purser.fetch(`${server.url}/v1/news?q=tea`)
    const text = await reply.text()
    expect(text).toBe([1, 2, 3, 4, 5].map((event) => `event: message\ndata: event ${event}\n\n`).join(''))
    expect(counter.wallet.totals).toEqual(totals(1, 2, 3, 4, 5))
    expect(server.books).toEqual({ accepted: 5n * PRICE, spent: 5n * PRICE })
    await until(async () => (await counter.payments()).every(({ delivered }) => delivered))
    const payments = await counter.payments()
    expect(payments.map(({ state }) => state)).toEqual(Array(5).fill('settled'))
    expect(new Set(payments.map(({ fingerprint }) => fingerprint)).size).toBe(5)
    expect(counter.heard.anomaly).toEqual([])
    expect(counter.heard.error).toEqual([])
  })

  test('is continued by a request without the content, to the same address, with the headers of the call', async () => {
    await using server = await serveStream()
    await using counter = till(server)
    const reply = await counter.purser.fetch(`${server.url}/v1/chat?q=tea`, {
      method: 'POST',
      body: '{"prompt":"tea"}',
      integrity: '',
      headers: {
        'content-type': 'application/json',
        'content-language': 'en',
        'idempotency-key': 'mine',
        'x-tenant': 'blue',
      },
    })
    await reply.text()
    expect(server.notes).toHaveLength(4)
    for (const { method, url, headers, body } of server.notes) {
      expect([method, url, body.length]).toEqual(['POST', '/v1/chat?q=tea', 0])
      expect(headers).toMatchObject({ 'x-tenant': 'blue', 'cache-control': 'no-cache' })
      for (const name of ['content-type', 'content-language', 'idempotency-key'])
        expect(headers).not.toHaveProperty(name)
    }
  })

  test('keeps what the reply was', async () => {
    await using server = await serveStream({ head: { 'x-trace': 'abc', 'content-language': 'en' } })
    await using counter = till(server)
    const { fetch } = counter.purser
    const reply = await fetch(`${server.url}/v1/news?q=tea`)
    expect(reply).toMatchObject({
      status: 200,
      statusText: 'OK',
      ok: true,
      url: `${server.url}/v1/news?q=tea`,
      redirected: false,
      type: 'basic',
      bodyUsed: false,
    })
    expect(reply).toBeInstanceOf(Response)
    expect(reply.headers.get('x-trace')).toBe('abc')
    expect(reply.headers.get('content-type')).toBe('text/event-stream')
    const copy = reply.clone()
    expect(copy.url).toBe(reply.url)
    expect(datasOf(await copy.text())).toEqual(datasOf(await reply.text()))
    expect(counter.purser.paymentFor(reply)).toMatchObject({ state: 'settled', delivered: true })
  })

  test('passes byte for byte, in characters that are cut anywhere', async () => {
    const content = '\ufeff: hi\r\ndata: ☕ 日本\r\n\r\nid: 7\rdata: x\r\r\nretry: 5\n\ndata: cut off'
    const bytes = utf8.encode(content)
    await using server = await serveStream({
      async play({ raw, need, end }) {
        for (const [at] of bytes.entries()) await raw(bytes.subarray(at, at + 1))
        end()
        await need().catch(() => undefined)
      },
    })
    await using counter = till(server)
    const reply = await counter.purser.fetch(server.url)
    expect(new Uint8Array(await reply.arrayBuffer())).toEqual(bytes)
  })

  test('ten thousand events', { timeout: 60_000 }, async () => {
    await using server = await serveStream({
      async play({ charge, raw, receipt, end }) {
        for (let hundred = 0; hundred < 100; hundred++) {
          await charge()
          const events = Array.from({ length: 100 }, (_, at) => `data: ${hundred * 100 + at}\n\n`)
          await raw(events.join(''))
        }
        await receipt()
        end()
      },
    })
    await using counter = till(server)
    // A dollar of five a day: more than a call takes that names no limit.
    const reply = await counter.purser.fetch(server.url, { payment: { maxAmount: '1' } })
    const datas = datasOf(await reply.text())
    expect(datas).toEqual(Array.from({ length: 10_000 }, (_, at) => String(at)))
    expect(counter.wallet.totals).toHaveLength(100)
    expect(counter.heard.anomaly).toEqual([])
  })

  test('streams of one channel take turns, and no total is signed twice', async () => {
    await using server = await serveStream()
    await using counter = till(server)
    const read = async (path: string): Promise<string[]> =>
      datasOf(await (await counter.purser.fetch(`${server.url}${path}`)).text())
    const all = await Promise.all(['/a', '/b', '/c'].map(read))
    for (const datas of all) expect(datas).toHaveLength(5)
    expect(new Set(counter.wallet.totals).size).toBe(counter.wallet.totals.length)
    expect(counter.wallet.totals.at(-1)).toBe(15n * PRICE)
    expect(counter.heard.anomaly).toEqual([])
  })
})

describe('a reply that is not metered', () => {
  test('is handed on as it is where it is no stream of events', async () => {
    await using server = await serveStream({
      head: { 'content-type': 'application/json' },
      async play({ raw, end }) {
        await raw('{"tea":true}')
        end()
      },
    })
    await using counter = till(server)
    const reply = await counter.purser.fetch(server.url)
    expect(await reply.json()).toEqual({ tea: true })
    expect(Object.hasOwn(reply, 'url')).toBe(false)
  })
})

describe('limits hold in the middle of a stream', () => {
  const refusing = async (
    policy: NonNullable<Parameters<typeof till>[1]>,
    init: Parameters<ReturnType<typeof till>['purser']['fetch']>[1] = {},
  ) => {
    await using server = await serveStream()
    await using counter = till(server, policy)
    const reply = await counter.purser.fetch(server.url, init)
    const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    let whole = false
    void (async () => {
      for (let next = await reader?.read(); next?.done === false; next = await reader?.read())
        text += next.value
      whole = true
    })().catch(() => undefined)
    await until(() => whole || counter.heard.anomaly.length > 0)
    await reader?.cancel()
    await until(async () => (await counter.payments()).every(({ state }) => state !== 'held'))
    return { counter, datas: datasOf(text), payments: await counter.payments() }
  }

  test('a budget', async () => {
    const { counter, datas, payments } = await refusing({ budgets: [{ limit: '0.03', per: 'day' }] })
    expect(datas).toEqual(['event 1', 'event 2', 'event 3'])
    expect(counter.wallet.totals).toEqual(totals(1, 2, 3))
    expect(payments.map(({ state }) => state)).toEqual(['settled', 'settled', 'settled', 'denied'])
    expect(counter.heard.anomaly).toMatchObject([{ kind: 'stream_not_paid_on', payment: payments[0]?.id }])
    expect(counter.heard.anomaly[0]?.message).toContain('0.03')
    expect(counter.heard.refusal).toMatchObject([{ code: 'refused', payment: payments[3]?.id }])
  })

  test('a number of payments', async () => {
    const budgets = [
      { limit: '5', per: 'day' },
      { payments: 2, per: 'day' },
    ] as const
    const { counter } = await refusing({ budgets })
    expect(counter.wallet.totals).toEqual(totals(1, 2))
  })

  test('what this call may cost at most, in all', async () => {
    const { counter } = await refusing({}, { payment: { maxAmount: '0.04' } })
    expect(counter.wallet.totals).toEqual(totals(1, 2, 3, 4))
  })

  test('a tenth of the tightest budget, for a call that names no maxAmount', async () => {
    const budgets = [
      { limit: '5', per: 'day' },
      { limit: '0.30', per: 'hour' },
    ] as const
    const { counter, datas } = await refusing({ perPayment: '0.02', budgets })
    expect(datas).toEqual(['event 1', 'event 2', 'event 3'])
    expect(counter.wallet.totals).toEqual(totals(1, 2, 3))
    expect(counter.heard.anomaly[0]?.message).toContain('name a maxAmount')
    expect(counter.heard.refusal).toMatchObject([{ reasons: [{ rule: 'maxAmount' }] }])
  })

  test('what one payment may cost, if that is more than a tenth of a budget', async () => {
    const policy = { perPayment: '0.04', budgets: [{ limit: '0.10', per: 'day' }] } as const
    const { counter } = await refusing(policy)
    expect(counter.wallet.totals).toEqual(totals(1, 2, 3, 4))
  })

  test('and a maxAmount that is more than a tenth of a budget is heard', async () => {
    await using server = await serveStream()
    await using counter = till(server, { perPayment: '0.02', budgets: [{ limit: '0.10', per: 'day' }] })
    const reply = await counter.purser.fetch(server.url, { payment: { maxAmount: '0.05' } })
    expect(datasOf(await reply.text())).toHaveLength(5)
    expect(counter.wallet.totals).toEqual(totals(1, 2, 3, 4, 5))
  })

  test('a budget of its task', async () => {
    const { counter } = await refusing({ perTask: '0.02' }, { payment: { task: 'reading' } })
    expect(counter.wallet.totals).toEqual(totals(1, 2))
  })

  test('a frozen ledger', async () => {
    await using server = await serveStream({
      async play({ charge, data, gone }) {
        await charge()
        await data('one')
        await until(() => frozen)
        await charge()
        await gone
      },
    })
    let frozen = false
    await using counter = till(server)
    const reply = await counter.purser.fetch(server.url)
    const reader = reply.body?.getReader()
    await reader?.read()
    await counter.purser.freeze('enough')
    frozen = true
    const pending = reader?.read().catch(() => undefined)
    await until(() => counter.heard.anomaly.length > 0)
    expect(counter.heard.refusal).toMatchObject([{ code: 'frozen' }])
    expect(counter.wallet.totals).toEqual(totals(1))
    await reader?.cancel()
    await pending
  })
})

describe('a person is asked in the middle of a stream, too', () => {
  test.each([true, false])('who says %j', async (approved) => {
    await using server = await serveStream()
    let asked = 0
    await using counter = till(
      server,
      { ask: [{ above: '0.009' }] },
      { approver: async () => ({ approved: asked++ === 0 || approved, by: 'Ada' }) },
    )
    const reply = await counter.purser.fetch(server.url)
    if (approved) {
      expect(datasOf(await reply.text())).toHaveLength(5)
      expect(asked).toBe(5)
      return
    }
    const reader = reply.body?.getReader()
    await reader?.read()
    const pending = reader?.read()
    await until(() => counter.heard.anomaly.length > 0)
    expect(counter.wallet.totals).toEqual(totals(1))
    expect(counter.heard.anomaly[0]?.message).toContain('Ada did not approve')
    await reader?.cancel()
    await pending
    expect(asked).toBe(2)
  })
})

/** Reads a stream on until its server is done with it; gives what was read. */
async function readOn(counter: Till, url: string): Promise<string[]> {
  return datasOf(await (await counter.purser.fetch(url)).text())
}

describe('a server that takes advantage', () => {
  const told = async (
    play: (stage: Stage) => unknown,
    options: StreamOptions = {},
    holds: (payments: readonly Payment[], counter: Till) => unknown = () => true,
  ) => {
    await using server = await serveStream({ ...options, play })
    await using counter = till(server)
    const text = await (await counter.purser.fetch(server.url)).text()
    await until(async () => {
      const payments = await counter.payments()
      return payments.every(({ live }) => !live) && holds(payments, counter)
    })
    const kinds = counter.heard.anomaly.map(({ kind }) => kind)
    return { counter, server, text, kinds, payments: await counter.payments() }
  }

  test('asks again and again, and delivers nothing', async () => {
    const { counter, kinds, server, text } = await told(async ({ data, need, end, raw, notes }) => {
      await data('one')
      await need()
      await until(() => notes.length === 1)
      for (let again = 0; again < 50; again++) await need()
      await raw(': still here\n\nevent: message\n\n')
      await need()
      await data('two')
      await need()
      end()
    })
    expect(counter.wallet.totals).toEqual(totals(1, 2))
    expect(server.notes).toHaveLength(1)
    expect(kinds).toEqual(['stream_stalled'])
    expect(datasOf(text)).toEqual(['one', 'two'])
    expect(text).not.toContain('payment-')
  })

  test('asks before it has delivered anything: once', async () => {
    const { counter, kinds } = await told(async ({ need, end, notes }) => {
      await need()
      await until(() => notes.length === 1)
      await need()
      end()
    })
    expect(counter.wallet.totals).toEqual(totals(1, 2))
    expect(kinds).toEqual(['stream_stalled'])
  })

  test('claims to need a fortune: it gets one price', async () => {
    const { counter } = await told(async ({ need, end, notes }) => {
      await need({ requiredCumulative: '99999999999999', deposit: '0' })
      await until(() => notes.length === 1)
      end()
    })
    expect(counter.wallet.totals).toEqual(totals(1, 2))
    expect(counter.wallet.needs[0]).toMatchObject({ requiredCumulative: '99999999999999' })
  })

  test.each([{ channelId: '0xc2' }, { channelId: 7 }, { channelId: null }])(
    'asks for what is not ours: %j',
    async (claims) => {
      const { counter, kinds } = await told(async ({ need, data, end }) => {
        await need(claims)
        await data('one')
        end()
      })
      expect(counter.wallet.totals).toEqual(totals(1))
      expect(counter.wallet.needs).toEqual([])
      expect(kinds).toEqual([])
    },
  )

  test('asks a higher price when it is asked again', async () => {
    await using server = await serveStream({
      taking: () => 'ask',
      amount: (turn) => (turn === 1 ? PRICE : 2n * PRICE),
      async play({ need, gone, notes, end }) {
        await need()
        await until(() => notes.length === 1)
        await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 100))])
        end()
      },
    })
    await using counter = till(server)
    await (await counter.purser.fetch(server.url)).text()
    await until(() => counter.heard.anomaly.length > 0)
    expect(counter.wallet.totals).toEqual(totals(1, 2))
    expect(server.notes).toHaveLength(1)
  })

  test('floods the stream with receipts: two are kept', async () => {
    const { counter, kinds, payments } = await told(
      async ({ receipt, data, end }) => {
        for (let again = 0; again < 500; again++) await receipt({ units: again })
        await data('one')
        await receipt({ units: 500 })
        end()
      },
      { receiptInHead: false },
      ([payment]) => payment?.receipts.length === 2,
    )
    const [payment] = payments
    expect(payment?.receipts.map(({ claims }) => claims['units'])).toEqual([0, 500])
    expect(payment).toMatchObject({ state: 'settled', delivered: true, proof: 'receipt' })
    expect(counter.wallet.acceptances).toHaveLength(2)
    expect(kinds).toEqual([])
  })

  test('gives a receipt for something else', async () => {
    const { counter, kinds, payments } = await told(
      async ({ receipt, end }) => {
        await receipt({ reference: '0xother' })
        end()
      },
      { receiptInHead: false },
      (_, { heard }) => heard.anomaly.length > 0,
    )
    expect(kinds).toEqual(['receipt_mismatch'])
    expect(payments).toMatchObject([{ state: 'committed', delivered: true, receipts: [] }])
    expect(counter.wallet.acceptances).toEqual([])
  })

  test('gives no receipt at all', async () => {
    const { kinds, payments } = await told(
      async ({ data, end }) => {
        await data('one')
        end()
      },
      { receiptInHead: false },
      (_, { heard }) => heard.anomaly.length > 0,
    )
    expect(kinds).toEqual(['receipt_missing'])
    expect(payments).toMatchObject([{ state: 'committed', delivered: true }])
  })
})

describe('a voucher that is not taken', () => {
  const voucher = async (taking: (turn: number) => Taking, options: StreamOptions = {}) => {
    await using server = await serveStream({ ...options, taking })
    await using counter = till(server)
    const reply = await counter.purser.fetch(server.url)
    const reader = reply.body?.getReader()
    const first = await reader?.read()
    const second = reader?.read().catch(() => undefined)
    // What the server says against one credential is told too, and ends nothing by itself.
    const ended = () => counter.heard.anomaly.some(({ kind }) => kind !== 'payment_rejected')
    await Promise.race([second, until(ended)])
    const got = !ended()
    await reader?.cancel()
    await until(async () => (await counter.payments()).every(({ live }) => !live))
    return { first, got, counter, server, payments: await counter.payments() }
  }

  test('is made once more on the fresh challenge, for the same total', async () => {
    const { got, counter, server, payments } = await voucher((turn) => (turn === 1 ? 'ask' : 'take'))
    expect(got).toBe(true)
    expect(counter.wallet.totals.slice(0, 3)).toEqual(totals(1, 2, 2))
    expect(server.notes.length).toBeGreaterThanOrEqual(2)
    expect(payments[1]).toMatchObject({ state: 'settled', attempts: [{}, { challengeId: 'challenge-2' }] })
  })

  test('nor that one: it counts, and the stream is not paid on', async () => {
    const { got, counter, payments } = await voucher(() => 'ask')
    expect(got).toBe(false)
    expect(counter.wallet.totals).toEqual(totals(1, 2, 2))
    expect(payments.map(({ state }) => state)).toEqual(['settled', 'committed'])
    expect(counter.heard.anomaly).toMatchObject([
      { kind: 'payment_rejected' },
      { kind: 'stream_not_paid_on' },
    ])
  })

  test('by a server that fails', async () => {
    const { got, payments } = await voucher(() => 'fail')
    expect(got).toBe(false)
    expect(payments.map(({ state }) => state)).toEqual(['settled', 'committed'])
  })

  test('is sent again where the network failed', async () => {
    const { got, counter, server } = await voucher((turn) => (turn === 1 ? 'drop' : 'take'))
    expect(got).toBe(true)
    expect(counter.wallet.totals.slice(0, 2)).toEqual(totals(1, 2))
    const [one, two] = server.notes
    expect(one?.headers.authorization).toBe(two?.headers.authorization)
  })

  test('is reported where it came back without a receipt', async () => {
    const { counter } = await voucher(() => 'bare')
    expect(counter.heard.anomaly[0]).toMatchObject({ kind: 'receipt_missing' })
  })

  test('is not made where the wallet cannot: budget comes back', async () => {
    await using server = await serveStream()
    await using counter = till(server)
    const { hooks } = counter.wallet
    const reply = await counter.purser.fetch(server.url)
    hooks.prepare = async () => {
      throw new TypeError('secret words of a wallet')
    }
    const reader = reply.body?.getReader()
    await reader?.read()
    const pending = reader?.read()
    await until(() => counter.heard.anomaly.length > 0)
    await reader?.cancel()
    await pending
    expect((await counter.payments()).map(({ state }) => state)).toEqual(['settled', 'released'])
    expect(counter.heard.anomaly[0]?.message).not.toContain('secret')
  })
})

describe('a challenge that is about to run out', () => {
  const short = (turn: number): Readonly<Record<string, string>> => ({
    expires: new Date(Date.now() + (turn === 1 ? 4_000 : 600_000)).toISOString(),
  })

  test('is asked for again first: by HEAD, where the call was a GET', async () => {
    await using server = await serveStream({ challenge: short })
    await using counter = till(server)
    expect(await readOn(counter, server.url)).toHaveLength(5)
    expect(server.seen.filter(({ method }) => method === 'HEAD')).toHaveLength(1)
    const [, second] = await counter.payments()
    expect(second?.attempts[0]?.challengeId).toBe('challenge-2')
  })
})
