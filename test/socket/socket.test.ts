import { WebSocket as UndiciSocket } from 'undici'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { isPaymentError, PaymentRefusedError } from '../../src/index.js'
import { openSocket, type SocketClass } from '../../src/socket/index.js'
import { until } from '../fetch/sse/kit.js'
import { honest, PRICE, place, readAll, readUntilItFails, type Stage, totals } from './kit.js'

const CLASSES: readonly (readonly [string, SocketClass])[] = [
  ['ws', WebSocket],
  ['undici', UndiciSocket],
]

describe.each(CLASSES)('a socket by %s', (_, Class) => {
  test('is read to its end, each message paid for', async () => {
    await using at = await place(honest(4))
    const socket = await at.open({ WebSocket: Class })
    expect(await readAll(socket)).toEqual(['message 1', 'message 2', 'message 3', 'message 4'])
    expect(await socket.closed).toEqual({ code: 1000, reason: '' })
    expect(at.server.totals).toEqual(totals(1, 2, 3, 4))
    expect(at.counter.wallet.totals).toEqual(totals(1, 2, 3, 4))
    expect(await at.spent()).toBe(4n * PRICE)
    expect(at.server.seen).toEqual([{ method: 'GET', url: '/live?q=tea', paid: false }])
    const payments = await at.counter.payments()
    expect(payments.map(({ state, delivered }) => [state, delivered])).toEqual(
      Array.from({ length: 4 }, () => ['settled', true]),
    )
    expect(new Set(payments.map(({ fingerprint }) => fingerprint)).size).toBe(4)
    expect(at.counter.purser.paymentFor(socket)).toMatchObject({ state: 'settled' })
    expect(at.counter.heard.anomaly).toEqual([])
    expect(at.counter.heard.error).toEqual([])
  })

  test('carries the caller’s messages, and bytes both ways', async () => {
    await using at = await place(async (stage) => {
      await stage.voucher()
      stage.receipt()
      stage.socket.on('message', (data, binary) => stage.socket.send(data, { binary }))
    })
    const socket = await at.open({ WebSocket: Class })
    const reader = socket[Symbol.asyncIterator]()
    await socket.send('tea?')
    expect(await reader.next()).toEqual({ done: false, value: 'tea?' })
    await socket.send(new Uint8Array([1, 2, 3]))
    const { value } = await reader.next()
    expect(value instanceof ArrayBuffer && new Uint8Array(value)).toEqual(new Uint8Array([1, 2, 3]))
    await socket.send('{"mpp":"mine","tea":true}')
    expect(await reader.next()).toEqual({ done: false, value: '{"mpp":"mine","tea":true}' })
    await reader.return?.()
    await expect(socket.send('late')).rejects.toThrow('closed')
  })

  test('that cannot be opened costs nothing', async () => {
    await using at = await place(honest(1), { upgrades: false })
    expect(await at.failure({ WebSocket: Class })).toMatchObject({ name: 'NetworkError' })
    expect(at.counter.wallet.totals).toEqual([])
    expect(await at.spent()).toBe(0n)
  })
})

describe('what is asked for', () => {
  test('nothing: an ordinary socket, whose frames are all the caller’s', async () => {
    await using at = await place(
      (stage) => {
        stage.need()
        stage.socket.close(1000, 'done')
      },
      { probe: { status: 426 } },
    )
    const socket = await at.open()
    const [frame, ...others] = await readAll(socket)
    expect(frame).toContain('payment-need-voucher')
    expect(others).toEqual([])
    expect(await socket.closed).toEqual({ code: 1000, reason: 'done' })
    expect(at.counter.purser.paymentFor(socket)).toBeUndefined()
  })

  test('nothing that policy could pay: an ordinary socket, without a question', async () => {
    await using at = await place(
      (stage) => {
        stage.raw('hello')
        stage.socket.close()
      },
      { policy: { vendors: [{ origin: 'https://elsewhere.example' }] } },
    )
    expect(await readAll(await at.open())).toEqual(['hello'])
    expect(at.server.seen).toEqual([])
  })

  test('a charge: a socket is not paid by one', async () => {
    await using at = await place(honest(1), { probe: { status: 402, intent: 'charge' } })
    expect(await at.failure()).toBeInstanceOf(PaymentRefusedError)
    expect(at.server.sockets).toBe(0)
  })

  test.each(['respond', 'throw'] as const)('more than policy allows: refused (%s)', async (onRefusal) => {
    await using at = await place(honest(1), {
      probe: { status: 402, amount: 60_000n },
      purser: { onRefusal },
    })
    const error = await at.failure()
    expect(error).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(error instanceof PaymentRefusedError && error.reasons[0]).toMatchObject({ rule: 'perPayment' })
    expect(at.counter.purser.paymentFor(Object(error))).toMatchObject({ state: 'refused' })
    expect(at.counter.wallet.totals).toEqual([])
    expect(at.server.sockets).toBe(0)
  })

  test('the subprotocols of the caller', async () => {
    await using at = await place(honest(1))
    const socket = await at.open({ protocols: ['tea.v1', 'tea.v2'] })
    expect(socket.protocol).toBe('tea.v1')
    expect(socket.url).toBe(at.server.url)
    await socket.close()
  })
})

describe('a caller’s mistake', () => {
  test.each(['ftp://api.example/', 'mailto:tea'])('%s is no address of a socket', async (url) => {
    await using at = await place(honest(1))
    await expect(openSocket(at.counter.purser, url, { WebSocket })).rejects.toThrow(TypeError)
  })

  test('text that poses as a word about payment is not sent', async () => {
    await using at = await place(honest(2))
    const socket = await at.open()
    for (const mpp of ['authorization', 'payment-close-request', 'payment-receipt'])
      await expect(socket.send(JSON.stringify({ mpp }))).rejects.toThrow(TypeError)
    await socket.close()
    expect(at.server.frames.filter((frame) => frame.includes('payment-receipt'))).toEqual([])
  })
})

describe('money beside the messages', () => {
  test('what nobody reads is not paid on', async () => {
    // What answers a ping has read all that came before it.
    const arrived = (stage: Stage) => new Promise((resolve) => stage.socket.once('pong', resolve).ping())
    let asked = (): void => {}
    const waits = new Promise<void>((resolve) => {
      asked = resolve
    })
    await using at = await place(async (stage) => {
      await stage.voucher()
      stage.receipt()
      stage.message('message 1')
      stage.need()
      await arrived(stage)
      asked()
      await stage.voucher()
      stage.receipt()
      stage.message('message 2')
    })
    const socket = await at.open()
    const reader = socket[Symbol.asyncIterator]()
    await reader.next()
    await waits
    expect(at.server.totals).toEqual(totals(1))
    expect(await reader.next()).toEqual({ done: false, value: 'message 2' })
    expect(at.server.totals).toEqual(totals(1, 2))
    await reader.return?.()
    expect(await at.spent()).toBe(2n * PRICE)
  })

  test('policy stops it: the reader is told why', async () => {
    await using at = await place(honest(9), { policy: { budgets: [{ limit: '0.03', per: 'day' }] } })
    const { read, error } = await readUntilItFails(await at.open())
    expect(read).toEqual(['message 1', 'message 2', 'message 3'])
    expect(error).toMatchObject({ name: 'PaymentRefusedError', funds: 'untouched' })
    expect(at.server.totals).toEqual(totals(1, 2, 3))
    expect(await at.spent()).toBe(3n * PRICE)
    await until(() => at.counter.heard.anomaly.length > 0)
    expect(at.counter.heard.anomaly[0]).toMatchObject({ kind: 'stream_not_paid_on' })
  })

  test('maxAmount bounds the whole socket', async () => {
    await using at = await place(honest(9))
    const { read, error } = await readUntilItFails(await at.open({ payment: { maxAmount: '0.02' } }))
    expect(read).toEqual(['message 1', 'message 2'])
    expect(isPaymentError(error, 'refused')).toBe(true)
    expect(await at.spent()).toBe(2n * PRICE)
  })

  test('a claim of more raises nothing', async () => {
    await using at = await place(async (stage) => {
      await stage.voucher()
      stage.receipt({ acceptedCumulative: '99999999' })
      stage.message('one')
      stage.need({ requiredCumulative: '99999999', acceptedCumulative: '88888888' })
      await stage.voucher()
      stage.receipt()
      stage.message('two')
      stage.ready()
    })
    expect(await readAll(await at.open())).toEqual(['one', 'two'])
    expect(at.server.totals).toEqual(totals(1, 2))
  })

  test('a server that asks twice for nothing is not paid twice', async () => {
    await using at = await place(async (stage) => {
      await stage.voucher()
      stage.receipt()
      stage.message('one')
      for (let turn = 0; turn < 3; turn++) {
        stage.need()
        await stage.voucher()
        stage.receipt()
      }
    })
    const { read, error } = await readUntilItFails(await at.open())
    expect(read).toEqual(['one'])
    expect(error).toBeInstanceOf(PaymentRefusedError)
    expect(at.server.totals).toEqual(totals(1, 2))
    expect(at.counter.heard.anomaly[0]).toMatchObject({ kind: 'stream_stalled' })
  })

  test('a challenge that is about to die is asked for again', async () => {
    const expires = (ms: number) => new Date(Date.now() + ms).toISOString()
    await using at = await place(honest(3), {
      challenge: (turn) => ({ expires: expires(turn === 1 ? 4_000 : 60_000) }),
    })
    expect(await readAll(await at.open())).toHaveLength(3)
    expect(at.server.challenges).toEqual(['challenge-1', 'challenge-2', 'challenge-2'])
    expect(at.server.seen.map(({ method }) => method)).toEqual(['GET', 'GET'])
    expect(at.counter.heard.anomaly).toEqual([])
  })
})

describe('the end', () => {
  test('in agreement: the last receipt comes first', async () => {
    await using at = await place(async (stage) => {
      await stage.voucher()
      stage.receipt()
      stage.message('one')
      await stage.closeRequest()
      stage.ready()
    })
    const socket = await at.open()
    const reader = socket[Symbol.asyncIterator]()
    await reader.next()
    expect(await socket.close()).toEqual({ code: 1000, reason: '' })
    expect(await reader.next()).toEqual({ done: true, value: undefined })
    expect(await socket.close()).toEqual({ code: 1000, reason: '' })
    expect(at.server.frames.at(-1)).toBe('{"mpp":"payment-close-request"}')
    expect(at.counter.heard.anomaly).toEqual([])
  })

  test('of a server that does not answer: it is not waited for', async () => {
    await using at = await place(async (stage) => {
      await stage.voucher()
      stage.receipt()
      stage.socket.pause()
    })
    const socket = await at.open()
    expect(await socket.close()).toEqual({ code: 1006, reason: '' })
  })

  test('by the caller’s signal, whenever', async () => {
    await using at = await place(honest(9))
    const abort = new AbortController()
    const socket = await at.open({ signal: abort.signal })
    const reader = socket[Symbol.asyncIterator]()
    await reader.next()
    const reason = new RangeError('enough')
    abort.abort(reason)
    await expect(reader.next()).rejects.toBe(reason)
    await socket.closed
    expect(at.server.totals).toEqual(totals(1))
  })

  test('by the caller’s signal, before it began', async () => {
    await using at = await place(honest(1))
    const reason = new RangeError('enough')
    expect(await at.failure({ signal: AbortSignal.abort(reason) })).toBe(reason)
    expect(at.server.seen).toEqual([])
  })

  test('by the caller’s signal, while a payment is on its way: it is in doubt', async () => {
    const abort = new AbortController()
    await using at = await place(async (stage) => {
      await stage.voucher()
      abort.abort()
    })
    expect(await at.failure({ signal: abort.signal })).toMatchObject({
      code: 'payment_in_doubt',
      funds: 'unknown',
    })
  })

  test('with the purser', async () => {
    await using at = await place(honest(9))
    const socket = await at.open()
    const reader = socket[Symbol.asyncIterator]()
    await reader.next()
    await at.counter.purser.close()
    await expect(reader.next()).rejects.toMatchObject({ code: 'closed' })
    expect(at.server.totals).toEqual(totals(1))
  })
})
