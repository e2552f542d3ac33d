import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Body, type BodyLimits, drainBody, readBody, readText } from '../../src/protocol/body.js'
import { serveRaw } from '../fetch/kit.js'

const MIB = 1024 * 1024
const LIMITS: BodyLimits = { bytes: 64 * 1024, patienceMs: 200 }
const ANNOUNCED = new Headers()

/** A server that answers like this, and how many bytes of the answer its sockets took. */
async function answering(answer: (response: ServerResponse) => void) {
  let taken = 0
  const server = await serveRaw((request, response) => {
    const { socket } = request
    socket.on('close', () => {
      taken += socket.bytesWritten
    })
    answer(response)
  })
  return {
    url: server.url,
    /** Once the connection is closed. */
    taken: () => taken,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const endless = (piece: Buffer) => (response: ServerResponse) => {
  const more = (): void => {
    if (response.destroyed) return
    if (response.write(piece)) setImmediate(more)
    else response.once('drain', more)
  }
  more()
}

const streamOf = (pull: (controller: ReadableStreamDefaultController) => void): Body =>
  new ReadableStream({ pull }, { highWaterMark: 0 })

test('a body within the limits is read whole, for any size of chunks', async () => {
  const text = 'grüner Tee '.repeat(5_000)
  await using server = await answering((response) => {
    for (const byte of Buffer.from(text)) response.write(Buffer.of(byte))
    response.end()
  })
  const reply = await fetch(server.url)
  expect(await readText(reply, { bytes: 64 * 1024, patienceMs: 10_000 })).toEqual({ text })
})

test.each([
  ['exactly as long as the limit', 4, 'beef'],
  ['longer than that by a byte', 3, 'long'],
])('a body %s', async (_, bytes, expected) => {
  const said = await readText(new Response('beef'), { ...LIMITS, bytes })
  expect('text' in said ? said.text : said.unread).toBe(expected)
})

describe('a body that does not end', () => {
  test('is cancelled at the limit: the server sends only what its sockets buffer', async () => {
    await using server = await answering(endless(Buffer.alloc(16_384)))
    const reply = await fetch(server.url)
    expect(await readBody(reply, { ...LIMITS, patienceMs: 10_000 })).toBe('long')
    await expect.poll(server.taken).toBeGreaterThan(0)
    expect(server.taken()).toBeLessThan(16 * MIB)
  })

  test('in single bytes uses no more memory than its size', async () => {
    const piece = new Uint8Array(1)
    globalThis.gc?.()
    const before = process.memoryUsage()
    const body = streamOf((controller) => controller.enqueue(piece))
    expect(await readBody({ body, headers: ANNOUNCED }, { bytes: MIB / 4, patienceMs: 30_000 })).toBe('long')
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(4 * MIB)
  })

  test('in empty chunks ends too', async () => {
    const body = streamOf((controller) => controller.enqueue(new Uint8Array(0)))
    expect(await readBody({ body, headers: ANNOUNCED }, { bytes: 1_000, patienceMs: 30_000 })).toBe('long')
  })

  test('and arrives slowly is cancelled in time', async () => {
    await using server = await answering((response) => {
      const timer = setInterval(() => response.write('x'), 10)
      response.on('close', () => clearInterval(timer))
    })
    const started = performance.now()
    expect(await readBody(await fetch(server.url), LIMITS)).toBe('late')
    expect(performance.now() - started).toBeLessThan(5_000)
    await expect.poll(server.taken).toBeGreaterThan(0)
  })

  test('and never sends a byte is abandoned in time, even if its stream never answers a cancel', async () => {
    const body = new ReadableStream({
      pull: () => new Promise(() => {}),
      cancel: () => new Promise(() => {}),
    })
    expect(await readBody({ body, headers: ANNOUNCED }, LIMITS)).toBe('late')
  })

  test('is cancelled as soon as its reader aborts', async () => {
    const abort = new AbortController()
    const body = new ReadableStream({ pull: () => new Promise(() => {}) })
    const reading = readBody({ body, headers: ANNOUNCED }, { ...LIMITS, patienceMs: 60_000 }, abort.signal)
    abort.abort()
    expect(await reading).toBe('late')
    expect(await readBody({ body: streamOf(() => {}), headers: ANNOUNCED }, LIMITS, abort.signal)).toBe(
      'late',
    )
  })
})

test('a body that decompresses to a gibibyte is cancelled at the decompressed limit', async () => {
  const bomb = Buffer.concat(Array<Buffer>(32).fill(gzipSync(Buffer.alloc(32 * MIB))))
  await using server = await answering((response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
  })
  const before = process.memoryUsage().arrayBuffers
  expect(await readBody(await fetch(server.url), { ...LIMITS, patienceMs: 10_000 })).toBe('long')
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MIB)
})

test('a body with a content-length above the limit is not read', async () => {
  let pulls = 0
  const body = streamOf((controller) => {
    pulls++
    controller.enqueue(new Uint8Array(1))
  })
  const headers = new Headers({ 'content-length': String(LIMITS.bytes + 1) })
  expect(await readBody({ body, headers }, LIMITS)).toBe('long')
  expect(pulls).toBe(0)
})

test('a broken body, or a value that is not a body, yields nothing', async () => {
  await using server = await answering((response) => {
    response.writeHead(200, { 'content-length': '10' }).write('123')
    setImmediate(() => response.destroy())
  })
  expect(await readBody(await fetch(server.url), LIMITS)).toBe('broken')
  const text = streamOf((controller) => controller.enqueue('text'))
  expect(await readBody({ body: text, headers: ANNOUNCED }, LIMITS)).toBe('broken')
  const taken = new Response('tea')
  taken.body?.getReader()
  expect(await readBody(taken, LIMITS)).toBe('broken')
})

test('a missing body reads as empty', async () => {
  expect(await readText(new Response(null), LIMITS)).toEqual({ text: '' })
})

test("the streams of other packages' fetch are read too", async () => {
  let ended = false
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(1_024)
    } finally {
      ended = true
    }
  }
  expect(await readBody({ body: pieces(), headers: ANNOUNCED }, LIMITS)).toBe('long')
  await expect.poll(() => ended).toBe(true)
})

test('a short rest is read to its end, so that the connection is reused; a long one is not', async () => {
  let connections = 0
  const server = await serveRaw((_, response, connection) => {
    connections = Math.max(connections, connection + 1)
    response.end('x'.repeat(1_000))
  })
  // fetch frees a connection a moment after the end of the body.
  for (let call = 0; call < 10; call++) await drainBody(await fetch(server.url), LIMITS)
  expect(connections).toBeLessThan(5)
  await server[Symbol.asyncDispose]()
  await using flood = await answering(endless(Buffer.alloc(16_384)))
  await drainBody(await fetch(flood.url), LIMITS)
  await expect.poll(flood.taken).toBeGreaterThan(0)
  expect(flood.taken()).toBeLessThan(16 * MIB)
})
