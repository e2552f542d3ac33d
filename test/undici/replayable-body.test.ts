import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, interceptors, request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { type MadeBody, replayableBody } from '../../src/undici/index.js'
import { echo, paywall, serve } from '../fetch/kit.js'
import { testAgent } from './kit.js'

/** More than is kept of a stream. */
const LONG = 'tea=green&'.repeat(150_000)
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

async function* inPieces(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < LONG.length; at += 100_000) yield bytes(LONG.slice(at, at + 100_000))
}

async function file(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-body-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'recording.wav')
  await writeFile(path, LONG)
  return path
}

const MADE: Record<string, () => Promise<() => MadeBody | Promise<MadeBody>>> = {
  'a file stream': async () => {
    const path = await file()
    return () => createReadStream(path)
  },
  'a web stream': async () => () => new Blob([LONG]).stream(),
  'an async iterable': async () => inPieces,
  'a promise of bytes': async () => async () => bytes(LONG),
  'a string': async () => () => LONG,
  'a blob': async () => () => new Blob([LONG]),
}

test.each(Object.entries(MADE))('a long body that a function makes as %s is paid for', async (_, prepare) => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  const make = await prepare()
  const options = { method: 'POST', dispatcher: agent.dispatcher } as const
  const { statusCode, body } = await request(server.url, { ...options, body: replayableBody(make) })
  expect(statusCode).toBe(200)
  await body.dump()
  expect(agent.face.signed).toHaveLength(1)
  expect(server.seen.map(({ paid }) => paid)).toEqual([false, true])
  for (const seen of server.seen) expect(seen.body.toString()).toBe(LONG)
})

test('each stream that a function makes is read', async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  let made = 0
  let read = 0
  const make = async function* () {
    yield bytes('tea')
    read++
  }
  const body = replayableBody(() => {
    made++
    return make()
  })
  await (await request(server.url, { method: 'POST', body, dispatcher: agent.dispatcher })).body.dump()
  expect(made).toBe(read)
  expect(made).toBeLessThanOrEqual(3)
})

test('a request that nobody pays for sends it as a stream', async () => {
  await using server = await serve(echo)
  await using agent = testAgent({ payable: () => false })
  for (const dispatcher of [agent.dispatcher, agent.agent]) {
    const body = replayableBody(inPieces)
    const reply = await request(server.url, { method: 'POST', body, dispatcher })
    expect(reply.statusCode).toBe(200)
    await reply.body.dump()
  }
  expect(server.seen.map((seen) => seen.body.toString() === LONG)).toEqual([true, true])
})

test('a free answer needs one body', async () => {
  await using server = await serve(echo)
  await using agent = testAgent()
  let made = 0
  const body = replayableBody(() => {
    made++
    return 'tea'
  })
  const reply = await request(server.url, { method: 'POST', body, dispatcher: agent.dispatcher })
  expect(await reply.body.json()).toMatchObject({ body: 'tea' })
  expect(made).toBe(1)
})

test('a function that throws ends the request with its error, and nothing is signed', async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  const body = replayableBody(() => {
    throw new RangeError('no such recording')
  })
  const call = request(server.url, { method: 'POST', body, dispatcher: agent.dispatcher })
  await expect(call).rejects.toThrow('no such recording')
  expect([server.seen, agent.face.signed]).toEqual([[], []])
})

test('a function that throws later is a refusal, before anything is signed', async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  let made = 0
  const body = replayableBody(() => {
    if (made++ > 0) throw new RangeError('it is gone')
    return 'tea'
  })
  await request(server.url, { method: 'POST', body, dispatcher: agent.dispatcher }).catch(() => undefined)
  expect(server.seen.map(({ paid }) => paid)).toEqual([false])
})

test('a redirect around the interceptor keeps the function', async () => {
  await using server = await serve((response, seen, incoming) => {
    if (seen.url === '/old') return response.writeHead(307, { location: '/new' }).end()
    return paywall(echo)(response, seen, incoming)
  })
  await using agent = testAgent({}, {}, [interceptors.redirect({ maxRedirections: 2 })])
  const options = { method: 'POST', dispatcher: agent.dispatcher } as const
  const reply = await request(`${server.url}/old`, { ...options, body: replayableBody(inPieces) })
  expect(reply.statusCode).toBe(200)
  await reply.body.dump()
  expect(server.seen.map(({ url, paid }) => [url, paid])).toEqual([
    ['/old', false],
    ['/new', false],
    ['/new', true],
  ])
})

test('something that is no function is refused by name', () => {
  expect(() => Reflect.apply(replayableBody, undefined, ['tea'])).toThrow(
    /takes a function that makes the body/,
  )
})

test('it is a body for an Agent without Purser', async () => {
  await using server = await serve(echo)
  const dispatcher = new Agent()
  onTestFinished(() => dispatcher.destroy())
  const reply = await request(server.url, { method: 'POST', body: replayableBody(() => 'tea'), dispatcher })
  expect(await reply.body.json()).toMatchObject({ body: 'tea' })
})
