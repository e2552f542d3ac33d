import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { isPaymentError } from '../../../src/errors/index.js'
import { runtime, SENT_ALL_THE_SAME } from '../../runtime.js'
import { challenge, echo, paywall, serve, serveRaw, testFetch } from '../kit.js'

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const TEXT = 'tea=green&cups=2'

async function* generate(): AsyncGenerator<Uint8Array> {
  yield bytes('tea=green')
  yield bytes('&cups=2')
}

function stream(...chunks: unknown[]): ReadableStream {
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift()
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    },
  })
}

/** Everything `fetch` takes in Node, also what its types do not know. */
const BODIES: Record<string, () => { readonly body: unknown; readonly duplex?: 'half' }> = {
  string: () => ({ body: TEXT }),
  ArrayBuffer: () => ({ body: bytes(TEXT).buffer }),
  Uint8Array: () => ({ body: bytes(TEXT) }),
  'a view on a part': () => ({ body: bytes(`xx${TEXT}xx`).subarray(2, 2 + TEXT.length) }),
  Buffer: () => ({ body: Buffer.from(TEXT) }),
  Blob: () => ({ body: new Blob([TEXT], { type: 'text/tea' }) }),
  URLSearchParams: () => ({ body: new URLSearchParams(TEXT) }),
  ReadableStream: () => ({ body: stream(bytes('tea=green'), bytes('&cups=2')), duplex: 'half' }),
  'async iterable': () => ({ body: generate(), duplex: 'half' }),
  'Node stream': () => ({ body: Readable.from([bytes('tea=green'), bytes('&cups=2')]), duplex: 'half' }),
}

describe.each(Object.entries(BODIES))('%s', (name, make) => {
  test.each(['init', 'Request'])('in %s arrives whole on both legs', async (where) => {
    await using server = await serve(paywall(echo))
    const { fetch, face } = testFetch()
    const init: object = { method: 'POST', ...make() }
    const reply = await (where === 'init' ? fetch(server.url, init) : fetch(new Request(server.url, init)))
    expect(reply.status).toBe(200)
    expect(server.seen.map(({ body }) => body.toString())).toEqual([TEXT, TEXT])
    const [first, paid] = server.seen
    expect(paid?.headers['content-type']).toBe(first?.headers['content-type'])
    expect(face.signed).toHaveLength(1)
  })

  test('is sent unpaid just as raw fetch sends it', async () => {
    await using server = await serve(echo)
    const { fetch } = testFetch()
    const init = (): object => ({ method: 'POST', ...make() })
    await globalThis.fetch(server.url, init())
    await fetch(server.url, init())
    await fetch(new Request(server.url, init()))
    const [raw, ...ours] = server.seen
    for (const seen of ours) {
      expect(seen.headers).toEqual({ ...raw?.headers, 'accept-payment': 'tempo/charge' })
      expect(seen.body).toEqual(raw?.body)
    }
  })

  test('has one fingerprint, however it is sent', async () => {
    await using server = await serve(paywall(echo))
    const { fetch, face } = testFetch()
    await fetch(server.url, { method: 'POST', body: TEXT })
    const init: object = { method: 'POST', ...make() }
    await fetch(name === 'string' ? new Request(server.url, init) : server.url, name === 'string' ? {} : init)
    expect(face.signed[1]).toBe(face.signed[0])
    expect(face.signed[0]).toMatch(/^[0-9a-f]{64}$/)
  })
})

test('a fingerprint tells methods, addresses and bodies apart, and not fragments', async () => {
  await using server = await serve(paywall(echo))
  const { fetch, face } = testFetch()
  await fetch(`${server.url}/a#x`, { method: 'POST', body: '1' })
  await fetch(`${server.url}/a#y`, { method: 'POST', body: '1' })
  await fetch(`${server.url}/b`, { method: 'POST', body: '1' })
  await fetch(`${server.url}/a`, { method: 'PUT', body: '1' })
  await fetch(`${server.url}/a`, { method: 'POST', body: '2' })
  await fetch(`${server.url}/a`, { method: 'POST' })
  expect(new Set(face.signed).size).toBe(5)
  expect(face.signed[1]).toBe(face.signed[0])
})

describe('a form', () => {
  const form = (cups = '2'): FormData => {
    const made = new FormData()
    made.append('tea', 'green')
    made.append('cups', cups)
    made.append('leaf', new File(['leaf'], 'leaf.txt', { type: 'text/leaf' }))
    return made
  }

  test('arrives whole on both legs, each with the boundary that its header names', async () => {
    await using server = await serve(paywall(echo))
    const { fetch } = testFetch()
    expect((await fetch(server.url, { method: 'POST', body: form() })).status).toBe(200)
    for (const { headers, body } of server.seen) {
      const read = await new Response(new Uint8Array(body), {
        headers: { 'content-type': String(headers['content-type']) },
      }).formData()
      expect([...read.keys()]).toEqual(['tea', 'cups', 'leaf'])
      expect(read.get('leaf')).toMatchObject({ name: 'leaf.txt', size: 4 })
    }
  })

  test('in a Request goes again byte for byte', async () => {
    await using server = await serve(paywall(echo))
    const { fetch } = testFetch()
    await fetch(new Request(server.url, { method: 'POST', body: form() }))
    const [first, paid] = server.seen
    expect(paid?.body).toEqual(first?.body)
    expect(paid?.headers['content-type']).toBe(first?.headers['content-type'])
  })

  test('has the same fingerprint whenever it says the same', async () => {
    await using server = await serve(paywall(echo))
    const { fetch, face } = testFetch()
    await fetch(server.url, { method: 'POST', body: form() })
    await fetch(server.url, { method: 'POST', body: form() })
    await fetch(server.url, { method: 'POST', body: form('3') })
    expect(face.signed[1]).toBe(face.signed[0])
    expect(face.signed[2]).not.toBe(face.signed[0])
  })
})

describe('what the caller changes after the call', () => {
  const changing: Record<string, () => { body: NonNullable<RequestInit['body']>; change: () => void }> = {
    Uint8Array: () => {
      const body = bytes('tea')
      return { body, change: () => void body.fill(0) }
    },
    ArrayBuffer: () => {
      const body = bytes('tea')
      return { body: body.buffer, change: () => void body.fill(0) }
    },
    URLSearchParams: () => {
      const body = new URLSearchParams('tea=green')
      return { body, change: () => body.set('tea', 'black') }
    },
  }
  test.each(Object.entries(changing))('%s: is not sent', async (_, make) => {
    await using server = await serve(paywall(echo))
    const { body, change } = make()
    const { fetch } = testFetch({ onSign: change })
    const reply = fetch(server.url, { method: 'POST', body })
    change()
    await reply
    const [first, paid] = server.seen
    expect(first?.body.toString()).toContain('tea')
    expect(paid?.body).toEqual(first?.body)
  })

  test('a buffer that a stream uses again is not what goes again', async () => {
    await using server = await serve(paywall(echo))
    const { fetch } = testFetch()
    async function* reuse(): AsyncGenerator<Uint8Array> {
      const buffer = new Uint8Array(1)
      for (const letter of 'tea') {
        buffer[0] = letter.charCodeAt(0)
        yield buffer
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const init: object = { method: 'POST', body: reuse(), duplex: 'half' }
    await fetch(server.url, init)
    expect(server.seen[1]?.body.toString()).toBe('tea')
  })
})

describe('a body that can be read only once and is too long to keep', () => {
  const limits = { keep: { bytes: 8, patienceMs: 1000 } }
  const long = (): object => ({
    method: 'POST',
    body: stream(bytes('12345'), bytes('67890')),
    duplex: 'half',
  })

  test.each(['init', 'Request'])('in %s: is sent, and refused before anything is signed', async (where) => {
    await using server = await serve(paywall(echo))
    const { fetch, face } = testFetch({}, { limits })
    const reply = await (where === 'init'
      ? fetch(server.url, long())
      : fetch(new Request(server.url, long())))
    expect(server.seen.map(({ body }) => body.toString())).toEqual(['1234567890'])
    expect(face.signed).toEqual([])
    expect(isPaymentError(face.errors[0], 'not_replayable')).toBe(true)
    expect(reply.status).toBe(402)
    expect(reply.headers.get('x-should-retry')).toBe('false')
    expect(await reply.json()).toMatchObject({ code: 'not_replayable', funds: 'untouched' })
  })

  test('passes where nothing is asked', async () => {
    await using server = await serve(echo)
    const { fetch } = testFetch({}, { limits })
    expect((await fetch(server.url, long())).status).toBe(200)
  })
})

test('a 402 that comes before the upload is done can be paid: the rest is read here', async () => {
  const bodies: string[] = []
  await using server = await serveRaw(async (request, response) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(402, { 'www-authenticate': challenge(), connection: 'close' }).end()
      return
    }
    bodies.push(await text(request))
    response.end('ok')
  })
  const { fetch } = testFetch()
  let sent = 0
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (sent++ < 10) controller.enqueue(bytes(`${sent},`))
      else controller.close()
    },
  })
  const init: object = { method: 'POST', body, duplex: 'half' }
  const reply = await fetch(server.url, init)
  expect(await reply.text()).toBe('ok')
  expect(bodies).toEqual(['1,2,3,4,5,6,7,8,9,10,'])
})

describe('what fetch refuses, it still refuses', () => {
  const cases: Record<string, () => object> = {
    'a stream without duplex': () => ({ method: 'POST', body: stream(bytes('tea')) }),
    'a body on GET': () => ({ body: 'tea' }),
    'a locked stream': () => {
      const body = stream(bytes('tea'))
      body.getReader()
      return { method: 'POST', body, duplex: 'half' }
    },
    'a stream that fails': () => ({
      method: 'POST',
      duplex: 'half',
      body: new ReadableStream({ pull: (controller) => controller.error(new RangeError('dry')) }),
    }),
  }
  test.each(Object.entries(cases))('%s', async (name, init) => {
    await using server = await serve(paywall(echo))
    const { fetch, face } = testFetch()
    const raw: unknown = await globalThis.fetch(server.url, init()).catch((error: unknown) => error)
    const ours: unknown = await fetch(server.url, init()).catch((error: unknown) => error)
    if (SENT_ALL_THE_SAME[runtime()].includes(name)) {
      expect(raw).toMatchObject({ status: 402 })
      expect(ours).toMatchObject({ status: 200 })
      expect(server.seen.map(({ body }) => body.toString())).toEqual(['tea', 'tea', 'tea'])
      return
    }
    expect(raw).toBeInstanceOf(Error)
    if (runtime() === 'node') expect(raw).toBeInstanceOf(TypeError)
    expect(ours).toBeInstanceOf(Error)
    expect(String(ours)).toBe(String(raw))
    expect(face.signed).toEqual([])
  })

  test('a stream that was read to its end', async () => {
    await using server = await serve(paywall(echo))
    const { fetch } = testFetch()
    const body = stream(bytes('tea'))
    for await (const _ of body);
    const init: object = { method: 'POST', body, duplex: 'half' }
    await expect(fetch(server.url, init)).rejects.toThrow(TypeError)
  })

  test('a Request that was used', async () => {
    await using server = await serve(paywall(echo))
    const { fetch } = testFetch()
    const request = new Request(server.url, { method: 'POST', body: 'tea' })
    await request.text()
    await expect(fetch(request)).rejects.toThrow(TypeError)
    expect(server.seen).toEqual([])
  })
})
