import { Agent, interceptors, RetryAgent, request, stream, fetch as undiciFetch } from 'undici'
import { describe, expect, test } from 'vitest'
import { payingInterceptor } from '../../src/undici/index.js'
import { type Answer, challenge, echo, paywall, serve, testFace } from '../fetch/kit.js'
import { testAgent } from './kit.js'

const PLACES = {
  free: (answer: Answer) => answer,
  paid: (answer: Answer) => paywall(answer),
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no rejection',
    (error: unknown) => error,
  )

describe.each(Object.entries(PLACES))('a %s answer', (place, put) => {
  test('streams, chunk by chunk, while it is sent', async () => {
    const next: (() => void)[] = []
    await using server = await serve(
      put(async (response) => {
        for (const data of ['1', '2', '3']) {
          response.write(data)
          await new Promise<void>((resolve) => next.push(resolve))
        }
        response.end()
      }),
    )
    await using agent = testAgent()
    const { body } = await request(server.url, { dispatcher: agent.dispatcher })
    const chunks: string[] = []
    for await (const chunk of body) {
      chunks.push(String(chunk))
      next.shift()?.()
    }
    expect(chunks).toEqual(['1', '2', '3'])
  })

  test('holds the server back while nobody reads', async () => {
    let written = 0
    await using server = await serve(
      put((response) => {
        const more = (): void => {
          while (written < 200_000_000) {
            written += 65_536
            if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', more)
          }
          response.end()
        }
        more()
      }),
    )
    await using agent = testAgent()
    const { body } = await request(server.url, { dispatcher: agent.dispatcher })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(written).toBeLessThan(50_000_000)
    body.on('error', () => {}).destroy()
  })

  test('whose head the caller chokes on fails the request once, with that error', async () => {
    await using server = await serve(put((response) => response.end('tea')))
    await using agent = testAgent()
    const choking = new RangeError('no stream')
    const error = await rejection(
      stream(server.url, { method: 'GET', dispatcher: agent.dispatcher }, () => {
        throw choking
      }),
    )
    expect(error).toBe(choking)
  })

  test.each([204, 304])('status %i has no body', async (status) => {
    await using server = await serve(put((response) => response.writeHead(status).end()))
    await using agent = testAgent()
    const { statusCode, body } = await request(server.url, { dispatcher: agent.dispatcher })
    expect(statusCode).toBe(status)
    expect(await body.text()).toBe('')
  })

  test('HEAD has headers and no body', async () => {
    await using server = await serve(
      put((response) => response.writeHead(200, { 'content-length': '5' }).end()),
    )
    await using agent = testAgent()
    const { headers, body } = await request(server.url, { method: 'HEAD', dispatcher: agent.dispatcher })
    expect(headers['content-length']).toBe('5')
    expect(await body.text()).toBe('')
  })

  test('that breaks off fails the body', async () => {
    await using server = await serve(
      put((response) => {
        response.writeHead(200, { 'content-length': '10' }).write('123')
        setTimeout(() => response.destroy(), 10)
      }),
    )
    await using agent = testAgent()
    const { body } = await request(server.url, { dispatcher: agent.dispatcher })
    expect(await rejection(body.text())).toBeInstanceOf(Error)
  })

  test(`aborted in the middle of the body: fails it with the reason (${place})`, async () => {
    await using server = await serve(put((response) => response.writeHead(200).write('first')))
    await using agent = testAgent()
    const controller = new AbortController()
    const { body } = await request(server.url, { dispatcher: agent.dispatcher, signal: controller.signal })
    const reason = new RangeError('enough')
    setTimeout(() => controller.abort(reason), 10)
    expect(await rejection(body.text())).toBe(reason)
  })
})

describe('an abort', () => {
  test('before the call: nothing is sent', async () => {
    await using server = await serve(paywall(echo))
    await using agent = testAgent()
    const reason = new RangeError('no')
    const error = await rejection(
      request(server.url, { dispatcher: agent.dispatcher, signal: AbortSignal.abort(reason) }),
    )
    expect(error).toBe(reason)
    expect(server.seen).toEqual([])
  })

  test('during the first leg', async () => {
    const controller = new AbortController()
    await using server = await serve(() => controller.abort(new RangeError('no')))
    await using agent = testAgent()
    const error = await rejection(
      request(server.url, { dispatcher: agent.dispatcher, signal: controller.signal }),
    )
    expect(error).toBeInstanceOf(RangeError)
    expect(agent.face.signed).toEqual([])
  })

  test('while it is decided: no credential leaves', async () => {
    const controller = new AbortController()
    await using server = await serve(paywall(echo))
    await using agent = testAgent({ onSign: () => controller.abort(new RangeError('no')) })
    const error = await rejection(
      request(server.url, { dispatcher: agent.dispatcher, signal: controller.signal }),
    )
    expect(error).toBeInstanceOf(RangeError)
    expect(server.seen.map(({ paid }) => paid)).toEqual([false])
  })

  test('after the credential left', async () => {
    const controller = new AbortController()
    await using server = await serve(paywall(() => controller.abort(new RangeError('no'))))
    await using agent = testAgent()
    const error = await rejection(
      request(server.url, { dispatcher: agent.dispatcher, signal: controller.signal }),
    )
    expect(error).toBeInstanceOf(RangeError)
    expect(agent.face.signed).toHaveLength(1)
  })
})

describe('redirects', () => {
  const to =
    (location: string): Answer =>
    (response) =>
      response.writeHead(307, { location }).end()

  test.each(['beneath', 'around'])(
    'no credential goes through one, the redirect interceptor %s',
    async (where) => {
      await using stranger = await serve(echo)
      await using server = await serve(paywall(to(`${stranger.url}/steal`)))
      const redirect = interceptors.redirect({ maxRedirections: 5 })
      await using ours = testAgent({}, {}, where === 'around' ? [redirect] : [])
      await using beneath = new Beneath(redirect)
      const dispatcher = where === 'around' ? ours.dispatcher : beneath.paying()
      const { statusCode } = await request(server.url, { dispatcher, headers: { 'x-caller': 'me' } })
      expect(statusCode).toBe(where === 'around' ? 200 : 307)
      for (const { headers } of stranger.seen) {
        expect(headers).not.toHaveProperty('authorization')
        expect(headers).not.toHaveProperty('idempotency-key')
      }
      expect(stranger.seen).toHaveLength(where === 'around' ? 1 : 0)
    },
  )

  test('beneath, to another origin that asks: is not paid', async () => {
    await using stranger = await serve(paywall(echo))
    await using server = await serve(to(stranger.url))
    await using beneath = new Beneath(interceptors.redirect({ maxRedirections: 5 }))
    const { statusCode } = await request(server.url, { dispatcher: beneath.paying() })
    expect(statusCode).toBe(402)
    expect(stranger.seen.map(({ paid }) => paid)).toEqual([false])
  })

  test.each([
    ['GET', 200, '/b?x=1 true'],
    ['POST', 402, '/b?x=1 false'],
  ] as const)('beneath, within the origin: a %s answers %i', async (method, status, last) => {
    const page: Answer = (response, seen, request) =>
      seen.url === '/a?q=1' ? to('/b?x=1')(response, seen, request) : paywall(echo)(response, seen, request)
    await using server = await serve(page)
    await using beneath = new Beneath(interceptors.redirect({ maxRedirections: 5 }))
    const { statusCode } = await request(`${server.url}/a`, {
      method,
      query: { q: '1' },
      dispatcher: beneath.paying(),
    })
    expect(statusCode).toBe(status)
    const { url, paid } = server.seen.at(-1) ?? {}
    expect(`${url} ${paid}`).toBe(last)
  })

  test.each([301, 302, 303, 307, 308])(
    'beneath, a %i to its own address: a POST is not paid, so it is not sent again',
    async (status) => {
      const visited: Answer = (response, seen, request) =>
        server.seen.length === 1
          ? response.writeHead(status, { location: '/a?q=1', 'set-cookie': 'visited=1' }).end()
          : paywall(echo)(response, seen, request)
      await using server = await serve(visited)
      await using beneath = new Beneath(interceptors.redirect({ maxRedirections: 5 }))
      const { statusCode } = await request(`${server.url}/a`, {
        method: 'POST',
        // undici follows a redirect to the same address only if the query is an option: it takes others for a loop.
        query: { q: '1' },
        body: 'tea',
        dispatcher: beneath.paying(),
      })
      expect(statusCode).toBe(402)
      expect(server.seen.map(({ paid }) => paid)).toEqual([false, false])
    },
  )
})

/** An agent with an interceptor between the payment and the network. */
class Beneath implements AsyncDisposable {
  readonly #agent = new Agent()
  readonly #interceptor: ReturnType<typeof interceptors.redirect>

  constructor(interceptor: ReturnType<typeof interceptors.redirect>) {
    this.#interceptor = interceptor
  }

  paying() {
    return this.#agent.compose([this.#interceptor, payingInterceptor(testFace())])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#agent.destroy()
  }
}

test('paid calls one after another open no more connections than as many free ones', async () => {
  const count = async (answer: Answer, calls: number): Promise<number> => {
    await using server = await serve(answer)
    await using agent = testAgent()
    for (let call = 0; call < calls; call++) {
      await (await request(server.url, { dispatcher: agent.dispatcher })).body.text()
    }
    return server.connections()
  }
  expect(await count(paywall(echo), 10)).toBeLessThanOrEqual(await count(echo, 20))
})

describe('a hostile 402', () => {
  const limits = { read: { bytes: 64 * 1024, patienceMs: 100 } }
  const bodies: Record<string, Answer> = {
    endless(response) {
      response.writeHead(402, { 'www-authenticate': challenge() })
      const more = (): void => {
        if (response.destroyed) return
        if (response.write(Buffer.alloc(16_384))) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    },
    slow: (response) => response.writeHead(402, { 'www-authenticate': challenge() }).write('{'),
    broken(response) {
      response.writeHead(402, { 'www-authenticate': challenge(), 'content-length': '10' }).write('123')
      setTimeout(() => response.destroy(), 5)
    },
  }
  test.each(Object.entries(bodies))('with an %s body is paid all the same', async (_, unpaid) => {
    await using server = await serve((response, seen, request) =>
      seen.paid ? echo(response, seen, request) : unpaid(response, seen, request),
    )
    await using agent = testAgent({}, { limits })
    expect((await request(server.url, { dispatcher: agent.dispatcher })).statusCode).toBe(200)
  })
})

test.each(['short', 'slow', 'long'])(
  'a %s problem after payment is read, and is still the caller’s',
  async (kind) => {
    const text = JSON.stringify({
      type: 'about:blank',
      title: 'no',
      pad: 'x'.repeat(kind === 'long' ? 100_000 : 1),
    })
    await using server = await serve(
      paywall(async (response) => {
        response.writeHead(500, { 'content-type': 'application/problem+json' }).write(text.slice(0, 5))
        if (kind === 'slow') await new Promise((resolve) => setTimeout(resolve, 150))
        response.end(text.slice(5))
      }),
    )
    await using agent = testAgent({}, { limits: { read: { bytes: 64 * 1024, patienceMs: 100 } } })
    const { statusCode, body } = await request(server.url, { dispatcher: agent.dispatcher })
    expect(statusCode).toBe(500)
    expect(await body.text()).toBe(text)
  },
)

test('calls side by side are each paid once, and each gets its own answer', async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  const calls = Array.from({ length: 25 }, async (_, index) => {
    const options = { method: 'POST', body: `tea ${index}`, dispatcher: agent.dispatcher }
    return (await request(`${server.url}/${index}`, options)).body.json()
  })
  const replies = await Promise.all(calls)
  replies.forEach((reply, index) => {
    expect(reply).toMatchObject({ url: `/${index}`, body: `tea ${index}` })
  })
  expect(new Set(agent.face.signed).size).toBe(25)
})

test('a port where nobody listens fails as it does without us', async () => {
  const { url } = await (async () => {
    await using server = await serve(echo)
    return server
  })()
  await using agent = testAgent()
  const raw = await rejection(request(url, { dispatcher: agent.agent }))
  const ours = await rejection(request(url, { dispatcher: agent.dispatcher }))
  expect(ours).toMatchObject({ code: 'ECONNREFUSED' })
  expect(String(ours)).toBe(String(raw))
  expect(await rejection(undiciFetch(url, { dispatcher: agent.dispatcher }))).toMatchObject({
    message: 'fetch failed',
    cause: { code: 'ECONNREFUSED' },
  })
})

test('a retrying agent around it gets the answer, and no second payment is made', async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  const retrying = new RetryAgent(agent.dispatcher, { maxRetries: 2 })
  expect((await request(server.url, { dispatcher: retrying })).statusCode).toBe(200)
  expect(agent.face.signed).toHaveLength(1)
})
