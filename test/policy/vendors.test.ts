import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPolicy, operationPattern, type Policy, type PolicyDocument } from '../../src/policy/index.js'
import { matchesOrigin, patternsFor, readOrigin } from '../../src/policy/origins.js'
import { isDisguised, matchesPath } from '../../src/policy/paths.js'
import { BASE, call, context, dialled, facts, terms, tool } from './fixtures.js'

function policyFor(...origins: readonly string[]): Policy {
  return createPolicy({ ...BASE, vendors: origins.map((origin) => ({ origin })) })
}

function pays(policy: Policy, vendor: string, path = '/'): boolean {
  return policy.evaluate(terms(), dialled(vendor, path), context(), facts()).effect === 'allow'
}

describe('origins in a document', () => {
  it.each([
    ['https://API.Example', 'https://api.example'],
    ['https://api.example:443', 'https://api.example'],
    ['https://api.example/', 'https://api.example'],
    ['HTTPS://api.example:8443', 'https://api.example:8443'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https://*.Bücher.example', 'https://*.xn--bcher-kva.example'],
    ['https://*.example.com:8443', 'https://*.example.com:8443'],
    ['https://0x7f.1', 'https://127.0.0.1'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://shop.localhost:3000', 'http://shop.localhost:3000'],
    ['http://*.localhost', 'http://*.localhost'],
    ['http://*.Shop.localhost:3000', 'http://*.shop.localhost:3000'],
    ['http://127.8.9.1', 'http://127.8.9.1'],
    ['http://[::1]:80', 'http://[::1]'],
    ['https://[2001:DB8::1]', 'https://[2001:db8::1]'],
    ['mcp:search', 'mcp:search'],
    ['jsonrpc:node-1', 'jsonrpc:node-1'],
  ])('%s is %s', (written, normal) => {
    expect(readOrigin(written)).toBe(normal)
  })

  it.each([
    ['http://api.example', /only https/],
    ['http://localhost.example', /only https/],
    ['http://127.0.0.1.example', /only https/],
    ['http://[::2]', /only https/],
    ['ftp://api.example', /only https/],
    ['javascript://api.example', /origin|only https/],
    ['https://user@api.example', /no user/],
    ['https://user:pw@api.example', /no user/],
    ['https://api.example?x', /no user, query/],
    ['https://api.example#x', /no user, query, fragment/],
    ['https://api.example\\x', /backslash/],
    ['https://api.example /', /space/],
    ['https://api.exam\u200bple', /space/],
    ['https://api.example/v1', /put the path into `paths`/],
    ['https://api.example.', /no dot at its end/],
    ['https://*.example.com.', /no dot at its end/],
    ['https://', /cannot be read/],
    ['https://api.*.example', /only the first label/],
    ['https://*.*.example.com', /only the first label/],
    ['https://a*.example.com', /only the first label/],
    ['https://*', /cannot be read|first label/],
    ['https://*.com', /registrable domain/],
    ['https://*.127.0.0.1', /registrable domain/],
    ['https://*.[::1]', /cannot be read|registrable/],
    ['http://localhost.', /no dot at its end/],
    ['http://*.example.localhost.example', /only https/],
    ['http://*.127.0.0.1', /registrable domain/],
    ['http://notlocalhost', /only https/],
    ['api.example', /write it like https/],
    ['localhost:3000', /write it like https/],
    ['api.example:8443', /write it like https/],
    ['search', /mcp:search/],
    ['', /write it like/],
    ['*', /write it like/],
  ])('%j is refused', (written, mend) => {
    const read = readOrigin(written)
    expect(read).toMatch(/^!/)
    expect(read).toMatch(mend)
  })

  it.each(['co.uk', 'github.io', 'com.au', 's3.amazonaws.com'])(
    'a wildcard below %s is refused',
    async (host) => {
      const policy = policyFor(`https://*.${host}`)
      expect(pays(policy, `https://evil.${host}`)).toBe(false)
      await expect(policy.ready()).rejects.toMatchObject({
        code: 'invalid_policy',
        funds: 'untouched',
        reasons: [{ rule: 'vendors[0].origin', message: expect.stringContaining(`below ${host}`) }],
      })
      // It stays refused: a caller that goes on after the error still pays nothing.
      expect(pays(policy, `https://evil.${host}`)).toBe(false)
    },
  )

  it('names the agent whose rules have such a wildcard', async () => {
    const agents = { a: { vendors: [{ origin: 'https://*.co.uk' }] } }
    await expect(createPolicy({ ...BASE, agents }).ready()).rejects.toMatchObject({
      reasons: [{ rule: 'agents.a.vendors[0].origin' }],
    })
  })

  it('needs no list without wildcards', async () => {
    const policy = policyFor('https://co.uk')
    expect(pays(policy, 'https://co.uk')).toBe(true)
    await policy.ready()
  })
})

describe('the requested vendor', () => {
  const ATTACKS = [
    'https://api.shop.example.evil.tld',
    'https://evil-api.shop.example',
    'https://shop.example',
    'https://x.api.shop.example',
    'https://api.shop.example.',
    'https://api.shop.example:8443',
    'https://api.shop.example@evil.tld',
    'https://evil.tld/api.shop.example',
    'https://evil.tld?.api.shop.example',
    'https://evil.tld#.api.shop.example',
    'https://evil.tld\\.api.shop.example',
    'https://API.shop.example',
    'https://api.shop.example/',
    'https://api.shop.exаmple',
    'http://api.shop.example',
    'wss://api.shop.example',
    'api.shop.example',
    '//api.shop.example',
    '',
    'null',
  ]
  it.each(ATTACKS)('%s is not the listed vendor', (vendor) => {
    const policy = policyFor('https://api.shop.example')
    expect(policy.payable(dialled(vendor), context())).toBe(false)
    expect(pays(policy, vendor)).toBe(false)
  })

  it.each(
    ATTACKS.filter((vendor) => !/^https:\/\/(x|evil-api|api)\.(api\.)?shop\.example(:8443)?$/.test(vendor)),
  )('%s is not below the wildcard', async (vendor) => {
    const policy = policyFor('https://*.shop.example')
    await policy.ready()
    expect(pays(policy, vendor)).toBe(false)
  })

  it('matches a wildcard at any depth, but not its own host or another port', async () => {
    const policy = policyFor('https://*.shop.example', 'https://*.ports.example:8443')
    expect(pays(policy, 'https://a.shop.example')).toBe(false)
    expect(
      policy.evaluate(terms(), dialled('https://a.shop.example'), context(), facts()).reasons,
    ).toMatchObject([{ rule: 'vendors.unchecked' }])
    await policy.ready()
    expect(pays(policy, 'https://a.shop.example')).toBe(true)
    expect(pays(policy, 'https://a.b.c.shop.example')).toBe(true)
    expect(pays(policy, 'https://shop.example')).toBe(false)
    expect(pays(policy, 'https://a.shop.example:8443')).toBe(false)
    expect(pays(policy, 'https://a.ports.example:8443')).toBe(true)
    expect(pays(policy, 'https://a.ports.example')).toBe(false)
    expect(pays(policy, 'http://a.shop.example')).toBe(false)
  })

  it('is loopback only in the listed spelling', () => {
    const policy = policyFor('http://localhost:3000', 'http://[::1]:3000')
    expect(pays(policy, 'http://localhost:3000')).toBe(true)
    expect(pays(policy, 'http://[::1]:3000')).toBe(true)
    for (const vendor of [
      'http://localhost',
      'http://127.0.0.1:3000',
      'https://localhost:3000',
      'http://[::]:3000',
    ])
      expect(pays(policy, vendor)).toBe(false)
  })

  it('may be a name below localhost, listed singly or by a wildcard', () => {
    const policy = policyFor('http://shop.localhost:3000', 'http://*.test.localhost:4000')
    expect(pays(policy, 'http://shop.localhost:3000')).toBe(true)
    expect(pays(policy, 'http://a.test.localhost:4000')).toBe(true)
    expect(pays(policy, 'http://a.b.test.localhost:4000')).toBe(true)
    for (const vendor of [
      'http://other.localhost:3000',
      'http://test.localhost:4000',
      'http://a.test.localhost',
      'https://a.test.localhost:4000',
      'http://a.test.localhost.example:4000',
    ])
      expect(pays(policy, vendor)).toBe(false)
  })

  it('has the form of the document after a URL parser', () => {
    const policy = policyFor('https://bücher.example', 'https://1.2.3.4')
    for (const url of [
      'https://BÜCHER.example/x',
      'https://xn--bcher-kva.example:443/',
      'https://0x01020304/',
    ])
      expect(policy.evaluate(terms(), call(url), context(), facts()).effect).toBe('allow')
  })

  it('is a server with the exact name that the caller gave it', () => {
    const policy = policyFor('mcp:search')
    const effect = (vendor: string) =>
      policy.evaluate(terms(), tool(vendor, 'find'), context(), facts()).effect
    expect(['mcp:search', 'mcp:Search', 'search', 'mcp:search2'].map(effect)).toEqual([
      'allow',
      'deny',
      'deny',
      'deny',
    ])
  })
})

describe('several entries', () => {
  const entries = (vendors: PolicyDocument['vendors']): PolicyDocument => ({
    ...BASE,
    vendors: vendors ?? [],
  })

  it('an origin and a wildcard above it must both have the call in scope', async () => {
    const policy = createPolicy(
      entries([
        { origin: 'https://*.shop.example', perPayment: '0.5' },
        { origin: 'https://api.shop.example', paths: ['/v1/**'] },
      ]),
    )
    await policy.ready()
    expect(pays(policy, 'https://api.shop.example', '/v1/x')).toBe(true)
    expect(pays(policy, 'https://api.shop.example', '/v2/x')).toBe(false)
    expect(pays(policy, 'https://www.shop.example', '/v2/x')).toBe(true)
    const dear = policy.evaluate(
      terms({ price: '0.6' }),
      call('https://api.shop.example/v1/x'),
      context(),
      facts(),
    )
    expect(dear.reasons.map(({ rule }) => rule)).toEqual(['vendor.perPayment'])
  })

  it('look the same in any order, with ten thousand others between', async () => {
    const crowd = Array.from({ length: 10_000 }, (_, index) => ({
      origin: `https://v${index}.crowd.example`,
    }))
    const wild = { origin: 'https://*.crowd.example', category: 'crowd' }
    const near = createPolicy(entries([wild, ...crowd]))
    const far = createPolicy(entries([...crowd, wild]))
    await Promise.all([near.ready(), far.ready()])
    const resource = dialled('https://v9999.crowd.example')
    const { policy: _first, ...one } = near.evaluate(terms(), resource, context(), facts())
    const { policy: _second, ...two } = far.evaluate(terms(), resource, context(), facts())
    expect(one).toEqual(two)
    expect(one).toMatchObject({ effect: 'allow', dimensions: { category: 'crowd' } })
  })
})

describe('paths', () => {
  it.each([
    ['/v1/**', '/v1/a/b', true],
    ['/v1/**', '/v1/', true],
    ['/v1/**', '/v1', true],
    ['/v1/**', '/v10/a', false],
    ['/v1/*', '/v1/a', true],
    ['/v1/*', '/v1/', false],
    ['/v1/*', '/v1/a/b', false],
    ['/v1/*/items', '/v1/a/items', true],
    ['/v1/**/items', '/v1/a/b/items', true],
    ['/v1/**/items', '/v1/items', true],
    ['/v1/**/items', '/v1/a/items/b', false],
    ['/**', '/', true],
    ['/v1', '/V1', false],
    ['/v1', '/v1/', false],
    ['/a%20b', '/a%20b', true],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(matchesPath(pattern, path)).toBe(expected)
  })

  it.each([
    '/v1/%2fadmin',
    '/v1/%2Fadmin',
    '/v1%5cadmin',
    '/v1/%2e%2e/admin',
    '/v1/.%2E/admin',
    '/v1/%252fadmin',
    '/v1/%25252e/admin',
    '/v1/..;/admin',
    '/v1/.;x/admin',
    '/v1/a%00',
  ])('a server could read %s as another path', (path) => {
    expect(isDisguised(path)).toBe(true)
    const vendors = [{ origin: 'https://api.shop.example', paths: ['/v1/**'] }]
    const policy = createPolicy({ ...BASE, vendors })
    expect(pays(policy, 'https://api.shop.example', path)).toBe(false)
    expect(pays(policy, 'https://api.shop.example', '/v1/x')).toBe(true)
  })

  it.each(['/v1/a%20b', '/v1/a.b', '/v1/...', '/v1/%2', '/v1/a;b'])('%s is plain', (path) => {
    expect(isDisguised(path)).toBe(false)
  })

  const segment = fc.constantFrom('a', 'b', '', 'v1')
  const wanted = fc.array(fc.oneof(segment, fc.constantFrom('*', '**')), { maxLength: 6 })

  it('match as a simple reference implementation does', () => {
    const naive = (pattern: readonly string[], path: readonly string[]): boolean => {
      const [want, ...rest] = pattern
      if (want === undefined) return path.length === 0
      if (want === '**') return naive(rest, path) || (path.length > 0 && naive(pattern, path.slice(1)))
      const [have, ...others] = path
      return have !== undefined && (want === '*' ? have !== '' : want === have) && naive(rest, others)
    }
    fc.assert(
      fc.property(wanted, fc.array(segment, { minLength: 1, maxLength: 7 }), (pattern, path) => {
        fc.pre(pattern.length > 0)
        expect(matchesPath(['', ...pattern].join('/'), ['', ...path].join('/'))).toBe(naive(pattern, path))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('matching of origins', () => {
  const label = fc.constantFrom('a', 'b', 'shop', 'example', 'evil')
  const host = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'))
  const port = fc.constantFrom('', ':8443')

  it('equals a simple reference implementation', () => {
    fc.assert(
      fc.property(host, port, host, port, fc.boolean(), (listed, listedPort, given, givenPort, wild) => {
        const pattern = `https://${wild ? '*.' : ''}${listed}${listedPort}`
        const expected = listedPort === givenPort && (wild ? given.endsWith(`.${listed}`) : given === listed)
        expect(matchesOrigin(pattern, `https://${given}${givenPort}`)).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('looks up at most one pattern per label of a host', () => {
    expect(patternsFor('https://a.b.example')).toEqual([
      'https://a.b.example',
      'https://*.b.example',
      'https://*.example',
    ])
    expect(patternsFor('http://a.example')).toEqual(['http://a.example'])
  })
})

describe('operations', () => {
  it.each([
    ['/v1/items/42', '/v1/items/*'],
    ['/v1/items/42/parts/7', '/v1/items/*/parts/*'],
    ['/u/3fa85f64-5717-4562-b3fc-2c963f66afa6', '/u/*'],
    ['/tx/0x9d3a6cf8e1b2', '/tx/*'],
    ['/c/deadbeef01', '/c/*'],
    ['/customers/cus_9s6XKzkNRiz8i3Zx', '/customers/*'],
    ['/s/dGhpcyBpcyBh4bG9uZyB0b2tlbg', '/s/*'],
    ['/2026-01-31/report', '/*/report'],
    ['/v1/search', '/v1/search'],
    ['/v2.1/models/gpt-4o-mini', '/v2.1/models/gpt-4o-mini'],
    ['/facade/decade', '/facade/decade'],
    ['/internationalization', '/internationalization'],
    ['/', '/'],
  ])('%s is remembered as %s', (path, pattern) => {
    expect(operationPattern(dialled('https://a.example', path))).toBe(`GET ${pattern}`)
  })

  it('keeps the operation of a tool', () => {
    expect(operationPattern(tool('mcp:search', 'find'))).toBe('tool:find')
  })
})
