import { WebSocket as UndiciSocket } from 'undici'
import { describe, expect, test } from 'vitest'
import { isPaymentError } from '../../src/index.js'
import { until } from '../fetch/sse/kit.js'
import { honest, PRICE, place, readAll, readUntilItFails, type Stage, totals } from './kit.js'

const PROBLEM = JSON.stringify({
  type: 'https://paymentauth.org/problems/session/insufficient-balance',
  title: 'Insufficient balance',
  status: 402,
})

/** Takes the first payment and sends one message, and then does this. It never closes anything by itself. */
function then(act: (stage: Stage) => unknown): { play: (stage: Stage) => Promise<void>; codes: number[] } {
  const codes: number[] = []
  const play = async (stage: Stage): Promise<void> => {
    void stage.closed.then((code) => codes.push(code))
    await stage.voucher()
    stage.receipt()
    stage.message('one')
    await act(stage)
  }
  return { play, codes }
}

describe('a server that says what it must not, once it was paid', () => {
  const words: readonly (readonly [string, (stage: Stage) => void])[] = [
    ['asks for payment on another channel', (stage) => stage.need({ channelId: '0xbad' })],
    ['asks for payment on no channel', (stage) => stage.need({ channelId: null })],
    ['asks without saying anything', (stage) => stage.frame('payment-need-voucher')],
    ['sends a receipt that is none', (stage) => stage.frame('payment-receipt', { data: 'paid' })],
    ['ends with a receipt that is none', (stage) => stage.frame('payment-close-ready', { data: [] })],
    ['sends a message that is none', (stage) => stage.frame('message', { data: { tea: true } })],
    ['fails', (stage) => stage.frame('payment-error', { status: 500, message: 'out of order' })],
    ['fails without a reason', (stage) => stage.frame('payment-error')],
  ]

  test.each(words)('%s: the socket is broken off, from our side', async (_, act) => {
    const { play, codes } = then(act)
    await using at = await place(play)
    const socket = await at.open()
    const { read, error } = await readUntilItFails(socket)
    expect(read).toEqual(['one'])
    expect(error).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    await socket.closed
    await until(() => codes.length > 0)
    expect(codes).toEqual([3008])
    expect(at.server.totals).toEqual(totals(1))
    expect(await at.spent()).toBe(PRICE)
  })

  test.each(['authorization', 'payment-close-request', 'payment-something-new'])(
    '%s is not for us, and not for the caller',
    async (mpp) => {
      const { play } = then((stage) => {
        stage.frame(mpp, { data: 'x' })
        stage.raw('{"mpp":"payment-need')
        stage.raw('{"mpp":1}')
        stage.ready()
      })
      await using at = await place(play)
      expect(await readAll(await at.open())).toEqual(['one', '{"mpp":"payment-need', '{"mpp":1}'])
    },
  )

  test('receipts that nobody asked for settle nothing', async () => {
    const { play } = then((stage) => {
      for (let turn = 0; turn < 100; turn++) stage.receipt({ challengeId: `another-${turn}` })
      stage.socket.close(1000)
    })
    await using at = await place(play)
    expect(await readAll(await at.open())).toEqual(['one'])
    await until(() => at.counter.heard.anomaly.length > 0)
    expect(at.counter.heard.anomaly[0]).toMatchObject({ kind: 'receipt_mismatch' })
    expect(await at.spent()).toBe(PRICE)
    expect(await at.counter.payments()).toHaveLength(1)
  })
})

describe('a server that speaks of payments before there was one', () => {
  const words: readonly (readonly [string, (stage: Stage) => void])[] = [
    ['asks for more', (stage) => stage.need()],
    ['gives a receipt', (stage) => stage.receipt()],
    ['has ended', (stage) => stage.ready()],
    ['fails', (stage) => stage.frame('payment-error', { status: 402, message: PROBLEM })],
  ]

  test.each(words)('%s: it gets nothing', async (_, act) => {
    await using at = await place(act)
    expect(isPaymentError(await at.failure())).toBe(true)
    expect(at.server.totals).toEqual([])
    expect(at.server.sockets).toBe(1)
  })

  test('greets: the caller hears it, after it was paid', async () => {
    await using at = await place(async (stage) => {
      stage.raw('hello')
      await stage.voucher()
      stage.receipt()
      stage.ready()
    })
    expect(await readAll(await at.open())).toEqual(['hello'])
  })
})

describe('a payment that is refused', () => {
  test('at first, for its challenge: the same total goes out on a fresh one', async () => {
    await using at = await place(async (stage) => {
      if (stage.turn > 0) return honest(2)(stage)
      await stage.voucher()
      stage.frame('payment-error', { status: 402, message: PROBLEM })
    })
    expect(await readAll(await at.open())).toEqual(['message 1', 'message 2'])
    expect(at.server.totals).toEqual(totals(1, 1, 2))
    expect(at.server.challenges).toEqual(['challenge-1', 'challenge-2', 'challenge-2'])
    expect(await at.spent()).toBe(2n * PRICE)
  })

  test('always: in doubt, and never a higher total', async () => {
    await using at = await place(async (stage) => {
      await stage.voucher()
      stage.frame('payment-error', { status: 402, message: PROBLEM })
    })
    expect(await at.failure()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(at.server.totals).toEqual(totals(1, 1))
    expect(await at.counter.payments()).toMatchObject([{ state: 'committed', units: 10_000_000n }])
  })

  test('by a server that is out of order: not sent again', async () => {
    await using at = await place(async (stage) => {
      await stage.voucher()
      stage.frame('payment-error', { status: 500, message: 'out of order' })
    })
    expect(await at.failure()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(at.server.totals).toEqual(totals(1))
  })

  test('in the midst: the reader is told, and what it may have cost counts', async () => {
    const { play, codes } = then(async (stage) => {
      stage.need()
      await stage.voucher()
      stage.frame('payment-error', { status: 402, message: PROBLEM })
    })
    await using at = await place(play)
    const { read, error } = await readUntilItFails(await at.open())
    expect(read).toEqual(['one'])
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(isPaymentError(error) && error.message).toContain('Insufficient balance')
    await until(() => codes.length > 0)
    expect(codes).toEqual([3008])
    expect(at.server.totals).toEqual(totals(1, 2))
    await until(async () => (await at.counter.payments())[1]?.live === false)
    expect((await at.counter.payments()).map(({ state }) => state)).toEqual(['settled', 'committed'])
  })
})

describe('a connection that breaks', () => {
  test('before the answer: the same total goes out on another one', async () => {
    await using at = await place(async (stage) => {
      if (stage.turn > 0) return honest(2)(stage)
      await stage.voucher()
      stage.socket.terminate()
    })
    expect(await readAll(await at.open())).toEqual(['message 1', 'message 2'])
    expect(at.server.totals).toEqual(totals(1, 1, 2))
    expect(await at.spent()).toBe(2n * PRICE)
  })

  test('in the midst: the reader is told, and nothing is sent again', async () => {
    const { play } = then((stage) => stage.socket.terminate())
    await using at = await place(play)
    const socket = await at.open()
    const { read, error } = await readUntilItFails(socket)
    expect(read).toEqual(['one'])
    expect(error).toMatchObject({ name: 'NetworkError' })
    expect(await socket.closed).toMatchObject({ code: 1006 })
    expect(at.server.totals).toEqual(totals(1))
    expect(await at.spent()).toBe(PRICE)
  })

  test('while more is paid: that is in doubt', async () => {
    const { play } = then(async (stage) => {
      stage.need()
      await stage.voucher()
      stage.socket.terminate()
    })
    await using at = await place(play)
    const { error } = await readUntilItFails(await at.open())
    expect(error).toMatchObject({ name: 'NetworkError' })
    await until(async () => (await at.counter.payments())[1]?.live === false)
    expect(await at.counter.payments()).toMatchObject([
      { state: 'settled' },
      { state: 'committed', units: 10_000_000n },
    ])
    expect(at.server.totals).toEqual(totals(1, 2))
  })
})

describe('a server that never answers', () => {
  test('a payment: it is in doubt, and is not sent again', async () => {
    await using at = await place(() => {})
    expect(await at.failure({ limits: { answerMs: 50 } })).toMatchObject({
      code: 'payment_in_doubt',
      funds: 'unknown',
    })
    expect(at.server.totals).toEqual(totals(1))
  })

  test('a further payment: the reader is told', async () => {
    const { play } = then((stage) => stage.need())
    await using at = await place(play)
    const { read, error } = await readUntilItFails(await at.open({ limits: { answerMs: 200 } }))
    expect(read).toEqual(['one'])
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(at.server.totals).toEqual(totals(1, 2))
  })
})

describe('a server that sends too much', () => {
  test('in one frame', async () => {
    const { play, codes } = then((stage) => stage.raw('x'.repeat(1_001)))
    await using at = await place(play)
    const { read, error } = await readUntilItFails(await at.open({ limits: { frame: 1_000 } }))
    expect(read).toEqual(['one'])
    expect(error).toMatchObject({ name: 'QuotaExceededError' })
    await until(() => codes.length > 0)
    expect(codes).toEqual([3008])
  })

  test('for a reader who is slow, over a WebSocket that cannot hold it back', async () => {
    const { play, codes } = then((stage) => {
      for (let turn = 0; turn < 100; turn++) stage.message(`more ${turn}`)
    })
    await using at = await place(play)
    const socket = await at.open({ WebSocket: UndiciSocket, limits: { messages: 8 } })
    await until(() => codes.length > 0)
    const { read, error } = await readUntilItFails(socket)
    expect(read).toHaveLength(8)
    expect(error).toMatchObject({ name: 'QuotaExceededError' })
  })

  test('for a reader who is slow, over one that can: it comes as it is read', async () => {
    const { play } = then((stage) => {
      for (let turn = 0; turn < 40; turn++) stage.message(String(turn).padEnd(100_000))
      stage.ready()
    })
    await using at = await place(play)
    const read: number[] = []
    for await (const message of await at.open({ limits: { messages: 8 } })) {
      if (message !== 'one') read.push(Number(message))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(read).toEqual(Array.from({ length: 40 }, (_, at) => at))
  })

  test('of its wish for money: one word stands for all', async () => {
    const { play } = then(async (stage) => {
      for (let turn = 0; turn < 1_000; turn++) stage.need()
      await stage.voucher()
      stage.receipt()
      stage.message('two')
      stage.ready()
    })
    await using at = await place(play)
    const socket = await at.open()
    const reader = socket[Symbol.asyncIterator]()
    expect(await reader.next()).toMatchObject({ value: 'one' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(await reader.next()).toMatchObject({ value: 'two' })
    expect(at.server.totals).toEqual(totals(1, 2))
  })
})

test('sockets of one channel take turns, and no total is signed twice', async () => {
  await using at = await place(honest(4))
  const all = await Promise.all([1, 2, 3].map(async () => readAll(await at.open())))
  for (const read of all) expect(read).toHaveLength(4)
  expect(at.counter.wallet.totals).toEqual(totals(...Array.from({ length: 12 }, (_, at) => at + 1)))
  expect(await at.spent()).toBe(12n * PRICE)
  expect(at.counter.heard.anomaly).toEqual([])
})

describe('a need that the wallet does not pay', () => {
  test('since another socket of the channel was faster: it goes on by itself', async () => {
    const { play } = then((stage) => {
      stage.need()
      stage.message('two')
      stage.ready()
    })
    await using at = await place(play)
    at.counter.wallet.hooks.quote = (quote, { meterClaims: need }) =>
      need === undefined ? quote : { unpayable: 'covered' }
    expect(await readAll(await at.open({ limits: { answerMs: 200 } }))).toEqual(['one', 'two'])
    expect(at.server.totals).toEqual(totals(1))
  })

  test('where the server does not go on: the reader is told', async () => {
    const { play, codes } = then((stage) => stage.need())
    await using at = await place(play)
    at.counter.wallet.hooks.quote = (quote, { meterClaims: need }) =>
      need === undefined ? quote : { unpayable: 'empty' }
    const { read, error } = await readUntilItFails(await at.open({ limits: { answerMs: 200 } }))
    expect(read).toEqual(['one'])
    expect(error).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    await until(() => codes.length > 0)
    expect(at.server.totals).toEqual(totals(1))
  })
})

test('a socket whose payment is in doubt is paid for once, however often it is opened', async () => {
  const abort = new AbortController()
  await using at = await place(async (stage) => {
    await stage.voucher()
    if (stage.turn === 0) return abort.abort()
    stage.receipt()
    stage.message('one')
    stage.ready()
  })
  expect(await at.failure({ signal: abort.signal })).toMatchObject({ code: 'payment_in_doubt' })
  expect(await readAll(await at.open())).toEqual(['one'])
  expect(at.server.totals).toEqual(totals(1, 1))
  expect(await at.spent()).toBe(PRICE)
  expect(await at.counter.payments()).toHaveLength(1)
})
