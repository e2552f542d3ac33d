import { Agent, type Dispatcher, interceptors } from 'undici'
import { describe, expect, test } from 'vitest'
import { payingInterceptor } from '../../src/undici/index.js'
import { type Answer, echo, paywall, serve, testFace } from '../fetch/kit.js'
import { type Callback, recorder, told } from './handler-kit.js'
import { testAgent } from './kit.js'

const tea: Answer = (response) => response.end('tea')
/** More than one piece, so that pieces wait when the handler throws at the first one. */
const long: Answer = (response) => {
  response.write('x'.repeat(300_000))
  setTimeout(() => response.end('x'.repeat(300_000)), 5)
}

const PLACES: Record<string, Answer> = {
  free: tea,
  paid: paywall(tea),
  'long and free': long,
  'long and paid': paywall(long),
  'paid with an error': paywall((response) => response.writeHead(500).end('no')),
  // Not payable: what is read of the body has all come before the handler gets its first piece.
  'asked for and not paid': (response) => response.writeHead(402).end('x'.repeat(1_000)),
  // Made here, so that no leg is left that could fail.
  refused: paywall(tea, { digest: 'sha-256=:AAAA:' }),
}

const CALLBACKS: readonly Callback[] = [
  'onRequestStart',
  'onResponseStart',
  'onResponseData',
  'onResponseEnd',
  'onResponseError',
]

describe.each(Object.entries(PLACES))('a handler of an answer that is %s', (_, answer) => {
  test.each(CALLBACKS)(
    'that throws at %s hears of its own error once, and of nothing more',
    async (callback) => {
      await using server = await serve(answer)
      await using agent = testAgent()
      const thrown = new RangeError('mine')
      const got = await told(agent.dispatcher, server.url, {}, recorder(callback, thrown))
      if (got === 'hung') throw new Error('hung')
      const errors = got.calls.filter((call) => call === 'onResponseError')
      expect(errors).toHaveLength(callback === 'onResponseError' ? 0 : 1)
      // With nothing gone wrong, that one is never called.
      if (callback === 'onResponseError') return
      expect(got.error).toBe(thrown)
      expect(got.calls.at(-1)).toBe('onResponseError')
      expect(got.calls.filter((call) => call === callback)).toHaveLength(1)
    },
  )
})

test('a handler that throws at its error hears of the error once, and the process lives', async () => {
  await using server = await serve((_, __, request) => request.socket.destroy())
  await using agent = testAgent()
  const got = await told(
    agent.dispatcher,
    server.url,
    {},
    recorder('onResponseError', new RangeError('mine')),
  )
  if (got === 'hung') throw new Error('hung')
  expect(got.calls.filter((call) => call === 'onResponseError')).toHaveLength(1)
})

test('a handler that throws has not aborted: a retry around it may try again', async () => {
  let visits = 0
  await using server = await serve((response, seen, request) => {
    visits += 1
    return visits < 3 ? response.writeHead(429).end('later') : echo(response, seen, request)
  })
  await using agent = testAgent({}, {}, [interceptors.retry({ minTimeout: 1, maxTimeout: 1 })])
  const got = await told(agent.dispatcher, server.url)
  expect(got).toMatchObject({ status: 200 })
  expect(visits).toBe(3)
})

test('a connection that is reset before an answer is tried again by a retry around', async () => {
  let visits = 0
  await using server = await serve((response, seen, request) => {
    visits += 1
    return visits < 3 ? request.socket.resetAndDestroy() : echo(response, seen, request)
  })
  await using agent = testAgent({}, {}, [interceptors.retry({ minTimeout: 1, maxTimeout: 1 })])
  expect(await told(agent.dispatcher, server.url)).toMatchObject({ status: 200 })
})

test('a handler that throws when it resumes by itself hears of it once', async () => {
  await using server = await serve(paywall(tea))
  await using agent = testAgent()
  const thrown = new RangeError('mine')
  const errors: unknown[] = []
  let held: Dispatcher.DispatchController | undefined
  const failed = new Promise<void>((resolve) => {
    agent.dispatcher.dispatch(
      { origin: server.url, path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart(controller) {
          controller.pause()
          held = controller
          setTimeout(() => expect(() => controller.resume()).not.toThrow(), 20)
        },
        onResponseData() {
          throw thrown
        },
        onResponseEnd() {},
        onResponseError(_, error) {
          errors.push(error)
          resolve()
        },
      },
    )
  })
  await failed
  held?.resume()
  expect(errors).toEqual([thrown])
})

test('an abort of a paused body is heard at once, though all of it has come', async () => {
  await using server = await serve(paywall(tea))
  await using agent = testAgent()
  const calls: string[] = []
  const reason = new RangeError('enough')
  await new Promise<void>((resolve) => {
    agent.dispatcher.dispatch(
      { origin: server.url, path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart(controller) {
          controller.pause()
          setTimeout(() => {
            controller.abort(reason)
            controller.resume()
            controller.abort(new Error('again'))
            resolve()
          }, 30)
        },
        onResponseData: () => void calls.push('data'),
        onResponseEnd: () => void calls.push('end'),
        onResponseError: (controller, error) => void calls.push(`${error.message} ${controller.aborted}`),
      },
    )
  })
  expect(calls).toEqual(['enough true'])
})

test('a piece is handed on after the one before, though the handler pauses and resumes inside of it', async () => {
  await using server = await serve(long)
  await using agent = testAgent()
  let inside = 0
  let deepest = 0
  let size = 0
  await new Promise<void>((resolve, reject) => {
    agent.dispatcher.dispatch(
      { origin: server.url, path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseData(controller, chunk) {
          inside += 1
          deepest = Math.max(deepest, inside)
          size += chunk.byteLength
          controller.pause()
          controller.resume()
          inside -= 1
        },
        onResponseEnd: () => resolve(),
        onResponseError: (_, error) => reject(error),
      },
    )
  })
  expect([deepest, size]).toEqual([1, 600_000])
})

test('raw headers and trailers reach handlers that want them so', async () => {
  await using server = await serve(
    paywall((response) => {
      response.writeHead(200, { 'X-Tea': 'green', trailer: 'X-Last' })
      response.write('tea')
      response.addTrailers({ 'X-Last': 'leaf' })
      response.end()
    }),
  )
  await using agent = testAgent()
  const raw: string[] = []
  await new Promise<void>((resolve, reject) => {
    agent.dispatcher.dispatch(
      { origin: server.url, path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart: (controller) => void raw.push(String(controller.rawHeaders)),
        onResponseEnd(controller) {
          raw.push(String(controller.rawTrailers))
          resolve()
        },
        onResponseError: (_, error) => reject(error),
      },
    )
  })
  expect(raw[0]).toContain('X-Tea,green')
  expect(raw[1]).toContain('X-Last,leaf')
})

test('a request that is paid at once still starts before its head', async () => {
  await using server = await serve(echo)
  const credential = {
    challenge: {
      id: 'one',
      realm: 'test',
      kind: 'tempo/charge',
      request: {},
      echo: { envelope: 'mpp' as const, params: {}, header: 'authorization' as const },
    },
    payload: {},
  }
  await using agent = testAgent({
    run: (exchange) => Reflect.apply(exchange.send, exchange, [{ credential }]),
  })
  const got = await told(agent.dispatcher, server.url)
  if (got === 'hung') throw new Error('hung')
  expect(got.error).toBeUndefined()
  expect(got.calls.slice(0, 2)).toEqual(['onRequestStart', 'onResponseStart'])
})

test('a dispatcher beneath that ends a request without an answer fails it', async () => {
  const silent: Dispatcher.DispatcherComposeInterceptor = () => (_, handler) => {
    const controller = { aborted: false, paused: false, reason: null, abort() {}, pause() {}, resume() {} }
    handler.onRequestStart?.(controller, {})
    handler.onResponseEnd?.(controller, {})
    return true
  }
  const agent = new Agent()
  const got = await told(agent.compose(silent, payingInterceptor(testFace())), 'http://127.0.0.1:1')
  expect(got).toMatchObject({ error: expect.any(TypeError) })
  await agent.destroy()
})

test("undici's retry tells of two ends where it cannot resume a body, with or without us", async () => {
  const serveHalf = () =>
    serve((response, seen) => {
      if (seen.headers.range !== undefined) return response.writeHead(404).end('gone')
      response.writeHead(200, { 'content-length': '6' }).write('tea')
      return setImmediate(() => response.socket?.resetAndDestroy())
    })
  const retry = interceptors.retry({ minTimeout: 1, maxTimeout: 1 })
  await using plain = await serveHalf()
  await using ours = await serveHalf()
  await using agent = testAgent({}, {}, [retry])
  const alone = new Agent()
  const before = await told(alone.compose(retry), plain.url)
  const after = await told(agent.dispatcher, ours.url)
  if (before === 'hung' || after === 'hung') throw new Error('hung')
  expect(after.calls).toEqual(before.calls)
  await alone.destroy()
})
