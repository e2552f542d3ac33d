import { describe, expect, it } from 'vitest'
import { clean } from '../../src/errors/index.js'
import type { ApprovalRequest } from '../../src/index.js'
import type { BehaviourName } from './behaviours.js'
import { against, payerFor } from './kit.js'
import type { Seen } from './offers.js'
import { hostileServer } from './server.js'

const at = (host: string, seen: readonly Seen[]): readonly Seen[] =>
  seen.filter((one) => one.host.startsWith(`${host}:`))

describe('only the origin that was dialled', () => {
  it('may charge: a redirect to another one that asks is not paid', async () => {
    await using set = await against('redirect-to-402')
    const { server, payer } = set
    const both = payerFor(server.origin, { vendors: [{ origin: server.elsewhere }] })
    expect((await both.call('/a')).status).toBe(402)
    expect([both.signatures, server.paid.length]).toEqual([0, 0])
    expect((await payer.call('/a')).status).toBe(402)
    await both.purser.close()
  })

  it('may charge where a redirect led on it, and is judged there', async () => {
    await using set = await against('redirect-to-402-here')
    const { server, payer } = set
    expect((await payer.call('/a')).status).toBe(200)
    expect(server.paid.map(({ url }) => url)).toEqual(['/there'])
    const narrow = payerFor(server.origin, {
      policy: { vendors: [{ origin: server.origin, paths: ['/a'] }] },
    })
    expect((await narrow.call('/a')).code).toBe('refused')
    expect(narrow.signatures).toBe(0)
    await narrow.purser.close()
  })

  it('may not charge for a POST that a redirect may have changed', async () => {
    await using set = await against('redirect-to-402-here')
    expect((await set.payer.call('/a', { method: 'POST', body: 'x' })).status).toBe(402)
    expect(set.payer.signatures).toBe(0)
  })

  it('gets a credential: a redirect of the paid request is not followed to another one', async () => {
    await using set = await against('redirect-credential')
    const { server, payer } = set
    const got = await payer.call('/a', {
      method: 'POST',
      body: 'secret-body',
      headers: { 'x-own': 'secret-header' },
    })
    expect(got.status).toBe(307)
    expect(at('localhost', server.seen)).toEqual([])
    expect(server.paid).toHaveLength(1)
  })

  it('gets a credential, and no second request of it: a redirect is followed bare', async () => {
    await using set = await against('redirect-credential-here')
    const { server, payer } = set
    const got = await payer.call('/a')
    expect([got.status, got.body]).toEqual([200, 'tea'])
    const followed = server.seen.at(-1)
    expect(followed?.url).toBe('/there')
    expect(followed?.credential).toBeUndefined()
    expect(JSON.stringify(followed?.headers)).not.toMatch(/payment [\w-]{40}/i)
  })

  it('is what counts: the realm and the words of an offer decide nothing', async () => {
    await using set = await against('spoof', { policy: { vendors: [{ origin: 'https://trusted.example' }] } })
    expect((await set.payer.call('/a')).status).toBe(402)
    expect(set.payer.signatures).toBe(0)
  })
})

describe('an address that looks like the vendor', () => {
  const honest = 'http://127.0.0.1:1'
  it.each([
    ['a longer host', 'https://api.example.com.evil.tld/'],
    ['a user in front', 'https://api.example.com@evil.tld/'],
    ['the vendor as a user', 'https://api.example.com:pw@api.example.com/'],
    ['a prefix', 'https://evil-api.example.com/'],
    ['a Cyrillic letter', 'https://аpi.example.com/'],
    ['a dot at its end', 'https://api.example.com./'],
    ['another port', 'https://api.example.com:8443/'],
    ['plain http', 'http://api.example.com/'],
    ['a subdomain', 'https://x.api.example.com/'],
    ['a backslash', 'https://evil.tld\\@api.example.com.evil.tld/'],
  ])('is not paid: %s', async (_, url) => {
    const asked: string[] = []
    const payer = payerFor(honest, {
      policy: { vendors: [{ origin: 'https://api.example.com' }] },
      purser: {
        fetch: async (input, init) => {
          asked.push(new Headers(init?.headers).get('accept-payment') ?? '')
          void input
          return new Response(null, { status: 402, headers: { 'www-authenticate': 'Payment id="x"' } })
        },
      },
    })
    expect((await payer.call(url)).status).toBe(402)
    expect(payer.signatures).toBe(0)
    // Nor is it told that anybody here could pay.
    expect(asked).toEqual([''])
    await payer.purser.close()
  })

  it.each([
    ['capital letters', 'https://API.EXAMPLE.COM/a'],
    ['the port that goes without saying', 'https://api.example.com:443/a'],
    ['a fragment', 'https://api.example.com/a#evil.tld'],
  ])('is the vendor, however it is spelled: %s', async (_, url) => {
    const payer = payerFor(honest, {
      policy: { vendors: [{ origin: 'https://api.example.com', paths: ['/a'] }] },
      purser: { fetch: async (__, init) => Response.json({ ...Object(init).headers }) },
    })
    const { body = '' } = await payer.call(url)
    expect(body).toContain('accept-payment')
    await payer.purser.close()
  })
})

describe('a listed path', () => {
  it.each(['/open/..%2fadmin', '/open/%2e%2e/admin', '/open/..\\admin', '/open/../admin', '/admin'])(
    'is not stretched by %s',
    async (path) => {
      const server = await hostileServer('honest')
      const payer = payerFor(server.origin, {
        policy: { vendors: [{ origin: server.origin, paths: ['/open/**'] }] },
      })
      await payer.purser.fetch(server.origin + path)
      expect([payer.signatures, server.paid.length]).toEqual([0, 0])
      await payer.purser.close()
      await server.close()
    },
  )
})

describe("a caller's own headers", () => {
  const bearer = { authorization: 'Bearer callers-own-token', 'x-own': 'kept' }
  const forms: readonly [string, (url: string) => Request | [string, RequestInit]][] = [
    ['an object', (url) => [url, { headers: bearer }]],
    ['pairs', (url) => [url, { headers: Object.entries(bearer) }]],
    ['Headers', (url) => [url, { headers: new Headers(bearer) }]],
    ['a Request', (url) => new Request(url, { headers: bearer })],
  ]

  it.each(forms)('as %s: an Authorization is not overwritten, and the call is not paid', async (_, make) => {
    await using set = await against('honest')
    const { payer, server } = set
    const made = make(`${server.origin}/a`)
    const reply = await (made instanceof Request ? payer.purser.fetch(made) : payer.purser.fetch(...made))
    expect(await reply.json()).toMatchObject({ code: 'authorization_taken', funds: 'untouched' })
    expect([payer.signatures, server.paid.length]).toEqual([0, 0])
  })

  it.each(forms)('as %s: they go along where the credential has a header of its own', async (_, make) => {
    await using set = await against('other-carrier')
    const { payer, server } = set
    const made = make(`${server.origin}/a`)
    const reply = await (made instanceof Request ? payer.purser.fetch(made) : payer.purser.fetch(...made))
    expect(reply.status).toBe(200)
    expect(server.paid).toHaveLength(1)
    expect(server.paid[0]?.headers).toMatchObject(bearer)
    expect(server.paid[0]?.credential?.header).toBe('payment-authorization')
  })
})

it('a paid answer is asked for past every cache', async () => {
  const caches: unknown[] = []
  await using set = await against('honest', {
    purser: {
      fetch: (input, init) => {
        caches.push([init?.cache, init?.redirect])
        return fetch(input, init)
      },
    },
  })
  await set.payer.call('/a')
  expect(caches.at(-1)).toEqual(['no-store', 'manual'])
})

describe('words of a server', () => {
  it('reach a refusal neither as orders nor as anything', async () => {
    await using set = await against('talk')
    const got = await set.payer.call('/a')
    expect(got.body).not.toMatch(/ignore|settings|SYSTEM|0x6666/i)
    const [payment] = await set.payer.payments()
    expect(
      JSON.stringify(payment, (__, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toMatch(/ignore|settings|SYSTEM/i)
  })

  it('reach a person as words of the server, on one line, without escapes', async () => {
    const asked: ApprovalRequest[] = []
    await using set = await against('escapes', {
      policy: { ask: [{ above: '0.001' }] },
      purser: {
        approver: async (request) => {
          asked.push(request)
          return { approved: false, by: 'ann' }
        },
      },
    })
    await set.payer.call('/a')
    const { serverSays = '', ...rest } = asked[0] ?? {}
    expect(asked).toHaveLength(1)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
    expect(serverSays).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
    expect(
      JSON.stringify(rest, (__, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toContain('Cookie')
    expect(set.payer.signatures).toBe(0)
  })

  it('are cut and flattened before anybody sees them', () => {
    const said = clean(`${'\u001b[2J\u202e\u2066\r\n\u0007'.repeat(50)}pay${'y'.repeat(1_000_000)}`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
    expect(said).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
    expect(said.length).toBeLessThanOrEqual(300)
  })

  it('that pretend a free page costs something are a first purchase, which a person can be asked about', async () => {
    await using set = await against('ghost', { policy: { ask: [{ newVendor: true }] } })
    expect((await set.payer.call('/a')).code).toBe('refused')
    expect(set.payer.signatures).toBe(0)
  })
})

describe('a flood', () => {
  const cases: readonly [BehaviourName, number, number][] = [
    ['endless-body', 200, 1],
    ['slow-body', 200, 1],
    ['zip-bomb', 500, 1],
    ['many-offers', 200, 1],
  ]
  it.each(cases)('%s costs a little time and memory', async (name, status, signatures) => {
    await using set = await against(name)
    const before = process.memoryUsage().rss
    const reply = await set.payer.purser.fetch(`${set.server.origin}/a`)
    expect(reply.status).toBe(status)
    expect(set.payer.signatures).toBe(signatures)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024)
    await reply.body?.cancel()
  })

  it('a header that no client takes fails as fetch fails', async () => {
    await using set = await against('long-header')
    const { thrown } = await set.payer.call('/a')
    expect(thrown).toBeInstanceOf(TypeError)
    expect(set.payer.signatures).toBe(0)
  })

  it('a megabyte of challenges is no offer', async () => {
    const header = 'Payment id="x", realm="y", '.repeat(40_000)
    const payer = payerFor('https://api.example.com', {
      purser: {
        fetch: async () => new Response(null, { status: 402, headers: { 'www-authenticate': header } }),
      },
    })
    expect((await payer.call('/a')).status).toBe(402)
    expect(payer.signatures).toBe(0)
    await payer.purser.close()
  })

  it('a receipt of any size is no reason to fail a paid answer', async () => {
    const payer = payerFor('https://api.example.com', {
      purser: { fetch: async (_, init) => bigReceipt(init) },
    })
    expect((await payer.call('/a')).status).toBe(200)
    expect(payer.signatures).toBe(1)
    await payer.purser.close()
  })
})

async function bigReceipt(init: RequestInit | undefined): Promise<Response> {
  const { challengeOf } = await import('./offers.js')
  if (!new Headers(init?.headers).has('authorization'))
    return new Response(null, { status: 402, headers: { 'www-authenticate': challengeOf({}, 'one') } })
  return new Response('tea', { headers: { 'payment-receipt': 'A'.repeat(1_000_000) } })
}
