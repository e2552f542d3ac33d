import { fileURLToPath } from 'node:url'
import { InMemoryTransport } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { afterEach, describe, expect, test } from 'vitest'
import type { Payment, Purser } from '../../src/index.js'
import { at, pause, purserFor } from './kit.js'
import { CLIENT_LINES, type ClientLine, connect, type PaidClient } from './sdk-clients.js'
import { type Counts, counts, waitingServer } from './waiting-server.js'

// Calls that are cancelled, or whose connection is lost, while an answer is awaited: with the SDKs' clients and server.

type Place = 'memory' | 'stdio'

interface Connected {
  readonly client: PaidClient
  readonly purser: Purser
  /** How many payments were signed. */
  signed(): number
  payments(): Promise<readonly Payment[]>
  /** The calls that the server has had, as the server tells. */
  counts(): Promise<Counts>
  /** The server is gone, without a word. */
  lose(): Promise<void>
}

const open: PaidClient[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()))
})

async function connected(line: ClientLine, place: Place): Promise<Connected> {
  const { purser, wallet } = purserFor()
  const [near, far] = InMemoryTransport.createLinkedPair()
  const program = fileURLToPath(new URL('./waiting-server.ts', import.meta.url))
  const seen = counts()
  if (place === 'memory') serveStdio(() => waitingServer(seen), { transport: far })
  const where = place === 'memory' ? near : { command: process.execPath, args: ['--import', 'tsx', program] }
  const client = await connect(line, where, purser)
  open.push(client)
  return {
    client,
    purser,
    signed: () => wallet.signed.length,
    async payments() {
      const all: Payment[] = []
      for await (const payment of purser.payments()) all.push(payment)
      return all
    },
    counts: async () => JSON.parse(String(at(await client.callTool('counts'), 'content', 0, 'text'))),
    async lose() {
      if (place === 'memory') await far.close()
      else await client.callTool('die').catch(() => undefined)
    },
  }
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** Waits until the server has had as many calls. */
async function reached(one: Connected, wanted: Partial<Counts>): Promise<void> {
  for (;;) {
    const now = await one.counts()
    if (Object.entries(wanted).every(([name, count]) => at(now, name) === count)) return
    await pause(10)
  }
}

const cases = [
  ...CLIENT_LINES.map((line) => [line, 'memory'] as const),
  ['1.x', 'stdio'],
  ['2.x modern', 'stdio'],
] as const

describe.each(cases)('a client of %s, over %s', (line, place) => {
  test('cancels while the first answer is awaited: nothing is signed, and the next call is paid', async () => {
    const one = await connected(line, place)
    const control = new AbortController()
    const ended = failure(one.client.callTool('never', { signal: control.signal }))
    await reached(one, { asked: 1 })
    control.abort(new Error('given up'))
    expect(String(await ended)).toContain('given up')
    await reached(one, { cancelled: 1 })
    expect([one.signed(), await one.payments()]).toEqual([0, []])
    expect(at(await one.client.callTool('search'), 'content', 0, 'text')).toBe('found')
    expect(await one.payments()).toMatchObject([{ state: 'settled', delivered: true }])
  })

  test('runs out of time while the first answer is awaited: nothing is signed', async () => {
    const one = await connected(line, place)
    const error = await failure(one.client.callTool('never', { timeout: 100 }))
    expect(String(error)).toMatch(/timed out/i)
    await reached(one, { cancelled: 1 })
    expect([one.signed(), await one.payments()]).toEqual([0, []])
  })

  test('loses the connection while the first answer is awaited: the call ends, and nothing is signed', async () => {
    const one = await connected(line, place)
    const ended = failure(one.client.callTool('never'))
    await reached(one, { asked: 1 })
    await one.lose()
    expect(String(await ended)).toMatch(/closed/i)
    expect([one.signed(), await one.payments()]).toEqual([0, []])
  })

  test('cancels one of several calls while its payment is awaited: the others go on, and are paid once', async () => {
    const one = await connected(line, place)
    const control = new AbortController()
    const ended = failure(one.client.callTool('after-payment', { signal: control.signal }))
    const others = ['search', 'search'].map((name) => one.client.callTool(name))
    await reached(one, { paid: 3 })
    control.abort(new Error('given up'))
    expect(await ended).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect((await Promise.all(others)).map((result) => at(result, 'content', 0, 'text'))).toEqual([
      'found',
      'found',
    ])
    await reached(one, { cancelled: 1 })
    expect((await one.payments()).map(({ state }) => state).sort()).toEqual([
      'committed',
      'settled',
      'settled',
    ])
    expect(one.signed()).toBe(3)
  })

  test('loses the connection while several calls wait: the paid one says where its money is, the other one is not paid', async () => {
    const one = await connected(line, place)
    const paid = failure(one.client.callTool('after-payment'))
    const unpaid = failure(one.client.callTool('never'))
    await one.client.callTool('search')
    await reached(one, { paid: 2, asked: 3 })
    await one.lose()
    expect(await paid).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(String(await unpaid)).toMatch(/closed/i)
    expect((await one.payments()).map(({ state }) => state).sort()).toEqual(['committed', 'settled'])
    expect(one.signed()).toBe(2)
  })
})
