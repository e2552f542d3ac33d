import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNTS, alphaUSD } from '../chain/chain.js'
import { PRICE } from '../chain/server.js'
import { type Front, type Passing, startFront } from './front.js'
import { type Buyer, type BuyerOptions, DOLLAR, only, startWorld, type World } from './world.js'

let world: World
const fronts: Front[] = []
beforeAll(async () => {
  world = await startWorld()
})
afterEach(async () => {
  await Promise.all(fronts.splice(0).map((front) => front.close()))
  world.api.forget()
})
afterAll(() => world?.stop())

async function behind(
  handle: (passing: Passing) => Promise<Response> | Response,
  options: BuyerOptions = {},
): Promise<{ front: Front; buyer: Buyer }> {
  const front = await startFront(world.api.origin, handle)
  fronts.push(front)
  return { front, buyer: await world.buyer({ origins: [front.origin], ...options }) }
}

/** A 402 whose challenges were rewritten. */
function rewritten(rewrite: (challenges: string) => string): (passing: Passing) => Promise<Response> {
  return async ({ paid, forward }) => {
    const response = await forward()
    if (paid || response.status !== 402) return response
    const headers = new Headers(response.headers)
    headers.set('www-authenticate', rewrite(headers.get('www-authenticate') ?? ''))
    return new Response(await response.text(), { status: 402, headers })
  }
}

describe('a request arrives on the paid leg as it was made', () => {
  const json = { 'content-type': 'application/json', 'x-trace': 'abc' }

  it('a POST given as a Request', async () => {
    const buyer = await world.buyer()
    const request = new Request(world.api.url('/paid'), {
      method: 'POST',
      headers: json,
      body: '{"q":"tea"}',
    })
    const response = await buyer.purser.fetch(request)
    expect(await response.json()).toEqual({ route: '/paid', method: 'POST', body: '{"q":"tea"}' })
    expect(world.api.seen.map(({ method, body, paid }) => [method, body, paid])).toEqual([
      ['POST', '{"q":"tea"}', false],
      ['POST', '{"q":"tea"}', true],
    ])
  })

  it('a Request and an init that overrides its method and body', async () => {
    const buyer = await world.buyer()
    const request = new Request(world.api.url('/paid'), { method: 'POST', body: 'tea' })
    const response = await buyer.purser.fetch(request, { method: 'PUT', body: 'coffee' })
    expect(await response.json()).toMatchObject({ method: 'PUT', body: 'coffee' })
  })

  it('a body stream, which can be read only once', async () => {
    const buyer = await world.buyer()
    const pieces = ['one ', 'two ', 'three']
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift()
        if (piece === undefined) controller.close()
        else controller.enqueue(new TextEncoder().encode(piece))
      },
    })
    const init = { method: 'POST', body, duplex: 'half' } as const
    const response = await buyer.purser.fetch(world.api.url('/paid'), init)
    expect(await response.json()).toMatchObject({ method: 'POST', body: 'one two three' })
  })

  it('a frozen init, which nobody writes to', async () => {
    const buyer = await world.buyer()
    const init = Object.freeze({ method: 'POST', body: 'tea', headers: Object.freeze({ ...json }) })
    expect((await buyer.purser.fetch(world.api.url('/paid'), init)).status).toBe(200)
    expect(Object.keys(init)).toEqual(['method', 'body', 'headers'])
    expect(Object.keys(init.headers)).toEqual(Object.keys(json))
  })
})

describe('a 402', () => {
  it('with a malformed challenge beside a good one is paid', async () => {
    const broken = 'Payment id="x", realm="y", method="tempo", intent="charge", request="%%%"'
    for (const join of [(good: string) => `${broken}, ${good}`, (good: string) => `${good}, ${broken}`]) {
      const { front, buyer } = await behind(rewritten(join))
      expect((await buyer.purser.fetch(front.url('/paid'))).status).toBe(200)
    }
  })

  it('with a Basic challenge beside a good one is paid', async () => {
    const { front, buyer } = await behind(rewritten((good) => `Basic realm="staff, only", ${good}`))
    expect((await buyer.purser.fetch(front.url('/paid'))).status).toBe(200)
  })

  it('without any challenge is returned as it came', async () => {
    const { front, buyer } = await behind(() => new Response('pay us by letter', { status: 402 }))
    const response = await buyer.purser.fetch(front.url('/paid'))
    expect(response.status).toBe(402)
    expect(await response.text()).toBe('pay us by letter')
    expect(await buyer.payments()).toEqual([])
  })

  it('that only offers methods without a wallet is returned as it came', async () => {
    const { front, buyer } = await behind(
      rewritten((good) => good.replace('method="tempo"', 'method="pigeon"')),
    )
    const response = await buyer.purser.fetch(front.url('/paid'))
    expect(response.status).toBe(402)
    expect(response.headers.get('www-authenticate')).toContain('pigeon')
    expect(await response.text()).toContain('payment-required')
    expect(buyer.signatures()).toBe(0)
  })

  it.each([
    ['in the past', '2020-01-01T00:00:00Z'],
    ['that is no date', 'tomorrow'],
    ['of another calendar', '2026-13-45T99:99:99Z'],
  ])('that expires at a moment %s is not paid', async (_, expires) => {
    const { front, buyer } = await behind(
      rewritten((good) => good.replace(/expires="[^"]*"/, `expires="${expires}"`)),
    )
    expect((await buyer.purser.fetch(front.url('/paid'))).status).toBe(402)
    expect(buyer.signatures()).toBe(0)
    expect(front.credentials).toEqual([])
  })

  it('that expires in ten years is paid with a signature that dies in seconds', async () => {
    const patient = await startWorld({ validityMs: 10 * 365 * 86_400_000 })
    try {
      const buyer = await patient.buyer()
      expect((await buyer.get('/paid')).status).toBe(200)
      const { attempts } = only(await buyer.payments())
      expect(attempts[0]?.evidence.detail).toMatchObject({ validBefore: expect.any(Number) })
      const { recheckAt = 0 } = attempts[0]?.evidence ?? {}
      expect(recheckAt - Date.now()).toBeLessThan(25_000)
    } finally {
      await patient.stop()
    }
  })
})

describe('a payment goes on', () => {
  it('whatever a listener throws or rejects', async () => {
    const buyer = await world.buyer()
    for (const name of ['offer', 'decision', 'payment', 'receipt'] as const) {
      buyer.purser.on(name, () => {
        throw new Error('listener')
      })
      buyer.purser.on(name, () => Promise.reject(new Error('listener')))
    }
    expect((await buyer.get('/paid')).status).toBe(200)
  })

  it('after a redirect that fetch followed to the paid URL', async () => {
    const { front, buyer } = await behind(({ request, forward }) =>
      new URL(request.url).pathname === '/old'
        ? new Response(null, { status: 302, headers: { location: '/paid' } })
        : forward(),
    )
    const response = await buyer.purser.fetch(front.url('/old'))
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ route: '/paid' })
    expect(front.credentials).toHaveLength(1)
  })

  it('and a redirect of the paid leg is followed without the credential', async () => {
    const { front, buyer } = await behind(async ({ request, paid, forward }) => {
      if (new URL(request.url).pathname === '/done') return new Response('here you are')
      const response = await forward()
      if (!paid) return response
      const headers = new Headers(response.headers)
      headers.set('location', '/done')
      return new Response(null, { status: 303, headers })
    })
    const response = await buyer.purser.fetch(front.url('/paid'))
    expect(await response.text()).toBe('here you are')
    expect(front.credentials).toHaveLength(1)
    expect(buyer.purser.paymentFor(response)).toMatchObject({ state: 'settled', delivered: true })
    expect(buyer.signatures()).toBe(1)
  })

  it('but a credential never follows a redirect to another origin', async () => {
    const seen: string[] = []
    const thief = await startFront(world.api.origin, ({ request }) => {
      seen.push(request.headers.get('authorization') ?? '')
      return new Response('thanks')
    })
    fronts.push(thief)
    const { front, buyer } = await behind(async ({ paid, forward }) =>
      paid ? new Response(null, { status: 307, headers: { location: thief.url('/paid') } }) : await forward(),
    )
    const response = await buyer.purser.fetch(front.url('/paid'))
    expect(response.status).toBe(307)
    expect(seen).toEqual([])
    expect(buyer.signatures()).toBe(1)
  })
})

describe('an abort', () => {
  it('while a slow key signs ends the call at once, and costs nothing', async () => {
    const account = await world.chain.account(DOLLAR)
    const slow = {
      ...account,
      sign: async (parameters: { hash: `0x${string}` }) => {
        await new Promise((resolve) => setTimeout(resolve, 2_000))
        return account.sign?.(parameters) ?? '0x'
      },
    }
    const buyer = await world.buyer({ account: slow })
    const stop = new AbortController()
    const call = buyer.get('/paid', { signal: stop.signal })
    while (buyer.signatures() === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const started = performance.now()
    stop.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(await buyer.booked()).toBe(0n)
    expect(only(await buyer.payments()).state).toBe('released')
    expect(world.api.paid()).toEqual([])
  })

  it('after the credential left does not pretend that the money is still here', async () => {
    const stop = new AbortController()
    const { front, buyer } = await behind(async ({ paid, forward }) => {
      const response = await forward()
      if (paid) {
        stop.abort()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return response
    })
    const before = await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
    const call = buyer.purser.fetch(front.url('/paid'), { signal: stop.signal })
    await expect(call).rejects.toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect((await world.chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)) - before).toBe(PRICE)
    expect(await buyer.booked()).toBeGreaterThanOrEqual(PRICE)
    await buyer.purser.recover({ reconcile: true })
    expect(only(await buyer.payments())).toMatchObject({ state: 'settled', proof: 'chain' })
    expect(await buyer.booked()).toBe(await buyer.left())
  })
})

describe('an Authorization of the caller’s own', () => {
  const init = { headers: { authorization: 'Bearer of-the-caller' } }

  it('is not replaced unless policy says so: the call is refused before anything is signed', async () => {
    const { front, buyer } = await behind(({ forward }) => forward())
    const response = await buyer.purser.fetch(front.url('/paid'), init)
    expect(response.status).toBe(402)
    expect(await response.json()).toMatchObject({ code: 'authorization_taken', funds: 'untouched' })
    expect(buyer.signatures()).toBe(0)
    expect(front.credentials).toEqual([])
  })

  it('is kept where the server takes the credential in a header beside it', async () => {
    const seen: (string | null)[] = []
    const { front, buyer } = await behind(async ({ request, forward }) => {
      const beside = request.headers.get('payment-authorization')
      if (beside === null) {
        const reply = await forward()
        const headers = new Headers(reply.headers)
        const challenge = headers.get('www-authenticate') ?? ''
        headers.set('www-authenticate', `${challenge}, header="Payment-Authorization"`)
        return new Response(await reply.text(), { status: reply.status, headers })
      }
      seen.push(request.headers.get('authorization'), beside.slice(0, 8))
      return new Response('paid')
    })
    await buyer.purser.fetch(front.url('/paid'), init)
    expect(seen).toEqual(['Bearer of-the-caller', 'Payment '])
  })
})
