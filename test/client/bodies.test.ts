import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { createPurser, type Purser, type PurserOptions } from '../../src/index.js'
import { type Answer, serve, type TestServer } from '../fetch/kit.js'
import { slowWallet } from './shop.js'

const MIB = 1024 * 1024
const folder = mkdtempSync(join(tmpdir(), 'purser-bodies-'))
afterAll(() => rmSync(folder, { recursive: true }))

const request = Buffer.from('{}').toString('base64url')
const receipt = Buffer.from(JSON.stringify({ method: 'slow', status: 'success' })).toString('base64url')
let serial = 0
/** Asks for money, and answers a credential with the length of what came with it. */
const shop =
  (digest = ''): Answer =>
  (response, { headers, body }) => {
    const paid = headers.authorization !== undefined
    const challenge = `Payment id="c${serial++}", realm="shop", method="slow", intent="charge", request="${request}"${digest}`
    response
      .writeHead(paid ? 200 : 402, paid ? { 'payment-receipt': receipt } : { 'www-authenticate': challenge })
      .end(`${body.byteLength}`)
  }

function purserFor({ url }: TestServer, more: Partial<PurserOptions> = {}): Purser {
  return createPurser({
    wallets: [slowWallet(async () => ({ state: 'unknown', reason: 'nobody looks' }))],
    policy: {
      perPayment: '1',
      maxFee: '0.90',
      budgets: [{ limit: '50', per: 'day' }],
      vendors: [{ origin: url }],
    },
    ledger: memoryLedger(),
    ...more,
  })
}

/** A stream of so many bytes, in pieces. */
const streamOf = (bytes: number): ReadableStream<Uint8Array> => {
  let left = bytes
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close()
      const size = Math.min(left, 64 * 1024)
      left -= size
      controller.enqueue(new Uint8Array(size))
    },
  })
}
const post = (body: ReadableStream<Uint8Array>): RequestInit =>
  Object.assign({ method: 'POST', duplex: 'half' }, { body })

describe('a body that can be read only once', () => {
  test('is refused with a reason if it is longer than what is kept, and the caller gets a reply', async () => {
    await using server = await serve(shop())
    const purser = purserFor(server)
    const reply = await purser.fetch(server.url, post(streamOf(MIB + 1)))
    expect(reply.status).toBe(402)
    const problem: unknown = await reply.json()
    expect(problem).toMatchObject({ code: 'not_replayable', funds: 'untouched' })
    expect(problem).toMatchObject({
      detail: expect.stringMatching(/1048576 bytes.*maxKeptBody.*payment\.body/),
    })
    expect(purser.paymentFor(reply)).toMatchObject({
      state: 'refused',
      code: 'not_replayable',
      reasons: [{ rule: 'not_replayable' }],
    })
    expect(server.seen.map(({ body }) => body.byteLength)).toEqual([MIB + 1])
  })

  test('is paid for up to the size that the purser keeps', async () => {
    await using server = await serve(shop())
    const more = purserFor(server, { maxKeptBody: 2 * MIB })
    const reply = await more.fetch(server.url, post(streamOf(MIB + 1)))
    expect([reply.status, await reply.text()]).toEqual([200, `${MIB + 1}`])
    const less = purserFor(server, { maxKeptBody: 10 })
    expect((await less.fetch(server.url, post(streamOf(10)))).status).toBe(200)
    expect((await less.fetch(server.url, post(streamOf(11)))).status).toBe(402)
    expect((await less.fetch(new Request(server.url, post(streamOf(11))))).status).toBe(402)
    for (const maxKeptBody of [-1, 1.5, Number.NaN, 2 ** 40])
      expect(() => purserFor(server, { maxKeptBody })).toThrow(/maxKeptBody must be a whole number of bytes/)
  })

  test('throws its refusal if the purser was told to throw', async () => {
    await using server = await serve(shop())
    const purser = purserFor(server, { onRefusal: 'throw', maxKeptBody: 10 })
    await expect(purser.fetch(server.url, post(streamOf(11)))).rejects.toMatchObject({
      name: 'PaymentRefusedError',
      code: 'not_replayable',
      funds: 'untouched',
    })
  })
})

describe('a body that the caller makes', () => {
  test('is paid for, whatever its size and kind, and nothing of it is kept', async () => {
    await using server = await serve(shop())
    const purser = purserFor(server, { maxKeptBody: 10 })
    const path = join(folder, 'large')
    writeFileSync(path, new Uint8Array(3 * MIB))
    const form = new FormData()
    form.set('a', 'b')
    const kinds: readonly (readonly [number | undefined, () => RequestInit['body']])[] = [
      [3 * MIB, () => streamOf(3 * MIB)],
      [3 * MIB, () => new Blob([new Uint8Array(3 * MIB)])],
      [5, () => 'bytes'],
      [undefined, () => form],
      [0, () => null],
    ]
    for (const [size, body] of kinds) {
      const reply = await purser.fetch(server.url, { method: 'POST', payment: { body } })
      expect(reply.status).toBe(200)
      if (size !== undefined) expect(await reply.text()).toBe(`${size}`)
    }
    const file = async () => new Response(createReadStreamOf(path)).body
    const reply = await purser.fetch(server.url, { method: 'PUT', payment: { body: file } })
    expect([reply.status, await reply.text()]).toEqual([200, `${3 * MIB}`])
  })

  test('names the same purchase each time, and another one for other bytes', async () => {
    await using server = await serve(shop())
    const purser = purserFor(server)
    const prints: string[] = []
    for (const text of ['one', 'one', 'two'])
      await purser.fetch(server.url, { method: 'POST', payment: { body: () => streamText(text) } })
    await purser.fetch(server.url, { method: 'POST', body: 'one' })
    for await (const { fingerprint } of purser.payments({ order: 'oldest' })) prints.push(fingerprint)
    const [first, second, third, plain] = prints
    expect([second, plain]).toEqual([first, first])
    expect(third).not.toBe(first)
  })

  test('is made for a call that policy would never pay for, too', async () => {
    await using server = await serve((response, { body }) => response.end(`${body.byteLength}`))
    const purser = createPurser({
      wallets: [slowWallet(async () => ({ state: 'unknown', reason: '' }))],
      policy: {
        perPayment: '1',
        budgets: [{ limit: '1', per: 'day' }],
        vendors: [{ origin: 'https://a.example' }],
      },
      ledger: memoryLedger(),
    })
    const reply = await purser.fetch(server.url, { method: 'POST', payment: { body: () => streamOf(10) } })
    expect(await reply.text()).toBe('10')
  })

  test('is read within bounds where its digest must be compared', async () => {
    await using server = await serve(shop(', digest="sha-256=:AAAA:"'))
    const purser = purserFor(server, { maxKeptBody: 100 })
    const reply = await purser.fetch(server.url, { method: 'POST', payment: { body: () => streamOf(MIB) } })
    expect(await reply.json()).toMatchObject({
      code: 'not_replayable',
      detail: expect.stringContaining('digest'),
    })
    const short = await purser.fetch(server.url, { method: 'POST', payment: { body: () => streamOf(10) } })
    expect(await short.json()).toMatchObject({ code: 'digest_mismatch' })
  })

  test('fails the call before anything is signed if it cannot be made', async () => {
    await using server = await serve(shop())
    const purser = purserFor(server)
    let made = 0
    const body = () => {
      if (++made > 1) throw new Error('no such file')
      return 'first'
    }
    await expect(purser.fetch(server.url, { method: 'POST', payment: { body } })).rejects.toThrow(
      'no such file',
    )
    expect(server.seen).toHaveLength(1)
  })

  test('is the only body, and a function', async () => {
    await using server = await serve(shop())
    const purser = purserFor(server)
    const two = { method: 'POST', body: 'a', payment: { body: () => 'b' } }
    await expect(purser.fetch(server.url, two)).rejects.toThrow(/two bodies/)
    // As JavaScript would call it.
    const text: object = { body: 'b' }
    await expect(purser.fetch(server.url, { method: 'POST', payment: text })).rejects.toThrow(
      /payment\.body must be a function/,
    )
    expect(server.seen).toEqual([])
  })
})

function streamText(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream()
}

function createReadStreamOf(path: string): ReadableStream<Uint8Array> {
  const file = createReadStream(path)[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await file.next()
      if (done) controller.close()
      else controller.enqueue(new Uint8Array(value))
    },
  })
}
