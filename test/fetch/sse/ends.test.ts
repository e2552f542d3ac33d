import { describe, expect, test } from 'vitest'
import { meterReply } from '../../../src/http/wire/sse/index.js'
import { PRICE, type Stage, serveStream, type Till, till, until } from './kit.js'

/** Everything is written down, and nothing is held. */
async function settled({ payments }: Till): Promise<void> {
  await until(async () => (await payments()).every(({ live, state }) => !live && state !== 'held'))
}

/** One event for the price of the call, and then it needs more. */
async function needsMore({ charge, data, gone }: Stage): Promise<void> {
  await charge()
  await data('one')
  await charge()
  await data('two')
  await gone
}

describe.each(['cancel', 'abort', 'close'] as const)('a stream that ends by %s', (way) => {
  const begin = async (counter: Till, url: string) => {
    const caller = new AbortController()
    const reply = await counter.purser.fetch(url, { signal: caller.signal })
    const reader = reply.body?.getReader()
    await reader?.read()
    const next = reader?.read().then(
      ({ done }) => done,
      (error: unknown) => error,
    )
    const end = async (): Promise<void> => {
      if (way === 'cancel') await reader?.cancel('enough')
      if (way === 'abort') caller.abort()
      if (way === 'close') await counter.purser.close()
    }
    return { next, end, cancel: () => reader?.cancel() }
  }

  test('while a voucher is being prepared: nothing is signed, and nothing stays held', async () => {
    let gone = false
    await using server = await serveStream({
      async play(stage) {
        await needsMore(stage)
        gone = true
      },
    })
    await using counter = till(server)
    const { hooks } = counter.wallet
    let preparing = 0
    hooks.prepare = async (_, signal) => {
      if (++preparing === 1) return
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    }
    const { next, end, cancel } = await begin(counter, server.url)
    await until(() => preparing === 2)
    const before = await counter.payments()
    expect(before.map(({ state }) => state)).toEqual(['settled', 'held'])
    await (way === 'close' ? closing(counter, end) : end())
    if (way !== 'close') await settled(counter)
    if (way === 'close') await cancel()
    const ended = await next
    if (way === 'abort') expect(ended).toMatchObject({ name: 'AbortError' })
    else expect(ended).toBe(true)
    await until(() => gone)
    expect(counter.wallet.totals).toEqual([PRICE])
    expect(counter.heard.anomaly).toEqual([])
    expect(counter.heard.refusal).toEqual([])
    expect(counter.heard.error).toEqual([])
    if (way === 'close') return
    expect((await counter.payments()).map(({ state }) => state)).toEqual(['settled', 'released'])
  })

  /** What was held is given back before the ledger is closed. */
  async function closing(counter: Till, end: () => Promise<void>): Promise<void> {
    const released: string[] = []
    const { advance } = counter.ledger
    counter.ledger.advance = (id, move) => {
      released.push(move.to)
      return advance.call(counter.ledger, id, move)
    }
    await end()
    expect(released).toContain('released')
  }

  test('while a voucher is on its way: it counts, and nothing waits for its answer', async () => {
    let gone = false
    await using server = await serveStream({
      taking: () => 'silent',
      async play(stage) {
        await needsMore(stage)
        gone = true
      },
    })
    await using counter = till(server)
    const { next, end, cancel } = await begin(counter, server.url)
    await until(() => server.notes.length === 1)
    await end()
    if (way === 'close') await cancel()
    await next
    await until(() => gone)
    expect(counter.wallet.totals).toEqual([PRICE, 2n * PRICE])
    expect(counter.heard.anomaly).toEqual([])
    if (way === 'close') return
    await settled(counter)
    const payments = await counter.payments()
    expect(payments.map(({ state }) => state)).toEqual(['settled', 'committed'])
    expect(payments[1]).toMatchObject({ live: false, units: payments[0]?.units })
  })

  test('while nothing is being paid', async () => {
    let gone = false
    await using server = await serveStream({
      async play({ charge, data, gone: left }) {
        await charge()
        await data('one')
        await left
        gone = true
      },
    })
    await using counter = till(server)
    const { next, end, cancel } = await begin(counter, server.url)
    await end()
    if (way === 'close') await cancel()
    await next
    await until(() => gone)
    expect(counter.heard.anomaly).toEqual([])
    expect(counter.heard.error).toEqual([])
  })
})

describe('a stream that breaks off', () => {
  test('rejects as with raw fetch, and pays nothing more', async () => {
    await using server = await serveStream({
      async play({ charge, data, response }) {
        await charge()
        await data('one')
        response.destroy()
      },
    })
    await using counter = till(server)
    const reply = await counter.purser.fetch(server.url)
    await expect(reply.text()).rejects.toThrow(TypeError)
    await settled(counter)
    expect((await counter.payments()).map(({ state }) => state)).toEqual(['settled'])
    expect(counter.heard.anomaly).toEqual([])
  })

  test('before the answer to its last voucher is in: the answer is still heard', async () => {
    await using server = await serveStream({
      taking: () => 'silent',
      async play({ need, end, notes }) {
        await need()
        await until(() => notes.length === 1)
        end()
      },
    })
    await using counter = till(server)
    expect(await (await counter.purser.fetch(server.url)).text()).toBe('')
    server.answer()
    await settled(counter)
    expect((await counter.payments()).map(({ state }) => state)).toEqual(['settled', 'settled'])
  })
})

describe('a caller who takes its time', () => {
  const text = new TextEncoder()
  const NEED = 'event: payment-need-voucher\ndata: {"channelId":"0xc1"}\n\n'

  /** A body that hands out one chunk with every pull, and counts them. */
  function counted(chunks: readonly string[]) {
    const seen = { pulls: 0, cancelled: false }
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull(controller) {
          const chunk = chunks[seen.pulls++]
          if (chunk === undefined) controller.close()
          else controller.enqueue(text.encode(chunk))
        },
        cancel() {
          seen.cancelled = true
        },
      },
      { highWaterMark: 0 },
    )
    const metered = meterReply(new Response(body))
    if (metered === undefined) throw new Error('not metered')
    return { seen, metered, reader: () => metered.reply.body?.getReader() }
  }

  const turns = () => new Promise((resolve) => setTimeout(resolve, 20))

  test('is not read ahead of', async () => {
    const { seen, reader } = counted(['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'])
    await turns()
    expect(seen.pulls).toBe(0)
    const mine = reader()
    await mine?.read()
    await turns()
    expect(seen.pulls).toBe(1)
    await mine?.read()
    await turns()
    expect(seen.pulls).toBe(2)
  })

  test('and waits for data, hears what the server needs meanwhile', async () => {
    const { seen, metered, reader } = counted([NEED, ': hi', '\n', 'data: 1\n\n'])
    const events = metered.events[Symbol.asyncIterator]()
    const mine = reader()
    const read = await mine?.read()
    expect(new TextDecoder().decode(read?.value)).toBe(': hi')
    expect(seen.pulls).toBe(2)
    expect(await events.next()).toMatchObject({ value: { kind: 'need', after: 0 } })
    await mine?.cancel()
    expect(seen.cancelled).toBe(true)
    expect(await events.next()).toEqual({ done: true, value: undefined })
    expect(await metered.end).toBe('broken')
  })

  test('of events that nobody listens to, only the latest of a kind is kept', async () => {
    const { metered } = counted([...Array(1_000).fill(NEED), 'event: payment-receipt\ndata: {}\n\n', NEED])
    await metered.reply.text()
    const kinds: string[] = []
    for await (const { kind } of metered.events) kinds.push(kind)
    expect(kinds).toEqual(['receipt', 'need'])
    expect(await metered.end).toBe('whole')
  })

  test('cancels before it has read: the source hears of it', async () => {
    const { seen, metered } = counted(['data: 1\n\n'])
    await metered.reply.body?.cancel()
    expect(seen).toEqual({ pulls: 0, cancelled: true })
  })

  test('through its sockets: nothing is lost, and a slow reader is no different', async () => {
    const chunk = `data: ${'x'.repeat(64 * 1024)}\n\n`
    await using server = await serveStream({
      async play({ charge, raw, receipt, end }) {
        await charge()
        for (let sent = 0; sent < 200; sent++) await raw(chunk)
        await charge()
        await raw(chunk)
        await receipt()
        end()
      },
    })
    await using counter = till(server)
    const reply = await counter.purser.fetch(server.url)
    await turns()
    expect(counter.wallet.totals).toHaveLength(1)
    expect((await reply.text()).length).toBe(201 * chunk.length)
    expect(counter.wallet.totals).toHaveLength(2)
  })
})
