import { createHash } from 'node:crypto'
import { encodePaymentRequiredHeader } from '@x402/core/http'
import { isPaymentRequired } from '@x402/core/schemas'
import canonicalize from 'canonicalize'
import { describe, expect, it, test } from 'vitest'
import { parsePaymentRequired, parsePaymentRequiredBody } from '../../../src/protocol/index.js'
import { base64, ENTRY, ENTRY_V1, HOST, offer, RESOURCE, read, required, SIGN_IN } from './documents.js'

const codes = (changes: Readonly<Record<string, unknown>>) => read(changes).rejected.map(({ code }) => code)
const hash = (value: object) =>
  createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex')

describe('an offer of version 2', () => {
  it('is the received entry, under the requested host', () => {
    const extensions = { bazaar: { info: { input: {} }, schema: {} } }
    expect(read({ extensions })).toEqual({
      challenges: [
        {
          kind: 'x402/exact',
          id: hash(ENTRY),
          realm: HOST,
          request: ENTRY,
          words: 'A cup of tea',
          echo: { envelope: 'x402', version: 2, accepted: ENTRY, resource: RESOURCE, extensions },
        },
      ],
      rejected: [],
      error: 'Payment required',
    })
  })

  it('can be read from the output of the reference SDK', () => {
    const entry = { ...ENTRY, network: 'eip155:84532' as const }
    const message = { x402Version: 2 as const, resource: RESOURCE, accepts: [entry], extensions: {} }
    const [challenge] = parsePaymentRequired(encodePaymentRequiredHeader(message), HOST).challenges
    expect(challenge?.request).toEqual(ENTRY)
  })

  it('keeps the order and every field of its entry, known or not', () => {
    const entry = { zebra: [1, { b: null, a: 2 }], ...ENTRY, 'a b': '\u00e9\u{1f375}', extra: { z: 1, a: 2 } }
    const { request, echo } = offer(entry)
    expect(JSON.stringify(request)).toBe(JSON.stringify(entry))
    expect(echo.accepted).toBe(request)
  })

  it('has an id that does not depend on the order of its fields, but on everything else', () => {
    const turned = Object.fromEntries(Object.entries(ENTRY).reverse())
    expect(offer(turned).id).toBe(offer().id)
    expect(offer({ ...ENTRY, amount: '10001' }).id).not.toBe(offer().id)
    expect(offer({ ...ENTRY, extra: { name: 'USDC', version: '1' } }).id).not.toBe(offer().id)
  })

  it('is deeply frozen', () => {
    const challenge = offer()
    for (const part of [challenge.request, challenge.request['extra'], challenge.echo.resource])
      expect(Object.isFrozen(part)).toBe(true)
    const [made] = read().challenges
    expect([made, made?.echo].every(Object.isFrozen)).toBe(true)
  })

  it('may be one of several, in the order of the server', () => {
    const accepts = [{ ...ENTRY, scheme: 'upto' }, ENTRY, { ...ENTRY, network: 'eip155:8453' }]
    expect(read({ accepts }).challenges.map(({ kind, request }) => [kind, request['network']])).toEqual([
      ['x402/upto', 'eip155:84532'],
      ['x402/exact', 'eip155:84532'],
      ['x402/exact', 'eip155:8453'],
    ])
  })

  it('does not decide its own origin', () => {
    const { realm } = offer(ENTRY, { resource: { url: 'https://trusted.example/' } })
    expect(realm).toBe(HOST)
  })

  it('shows the text of the server cleaned', () => {
    const resource = { ...RESOURCE, description: `\u001b[2Jtea\u202e${'x'.repeat(1000)}` }
    const { words = '' } = offer(ENTRY, { resource })
    expect(words).toHaveLength(300)
    expect(words).toMatch(/^\[2Jtea x+…$/)
    expect(read({ error: '\u0007pay\nnow' }).error).toBe('pay now')
  })

  it.each(['error', 'resource', 'extensions'])('may have an explicit null for %s', (name) => {
    const parsed = read({ [name]: null })
    expect(parsed.rejected).toEqual([])
    expect(parsed.challenges).toHaveLength(1)
    expect(parsed.challenges[0]?.echo).not.toHaveProperty(name)
  })

  it('returns a null in its entry unchanged', () => {
    expect(offer({ ...ENTRY, extra: null }).echo.accepted).toHaveProperty('extra', null)
  })

  it.each([
    ['a text', 'https://api.example/tea'],
    ['a list', []],
    ['a number', 7],
  ])('ignores a resource that is %s', (_, resource) => {
    expect(offer(ENTRY, { resource }).echo).not.toHaveProperty('resource')
  })
})

describe('one bad entry does not hide the others:', () => {
  it.each([
    ['null', null, 'not_an_object'],
    ['a list', [], 'not_an_object'],
    ['a text', 'exact', 'not_an_object'],
    ['no scheme', { ...ENTRY, scheme: undefined }, 'missing_param'],
    ['an empty scheme', { ...ENTRY, scheme: '' }, 'missing_param'],
    ['a scheme with a slash', { ...ENTRY, scheme: 'a/b' }, 'bad_scheme'],
    ['a scheme of a thousand letters', { ...ENTRY, scheme: 'a'.repeat(1000) }, 'bad_scheme'],
    ['a scheme that is a kind of ours', { ...ENTRY, scheme: 'sign-in' }, 'bad_scheme'],
    ['a scheme that is a list', { ...ENTRY, scheme: ['exact'] }, 'missing_param'],
    ['no network', { ...ENTRY, network: null }, 'missing_param'],
    ['a network by name', { ...ENTRY, network: 'base' }, 'bad_network'],
    ['a network without a reference', { ...ENTRY, network: 'eip155:' }, 'bad_network'],
    ['no amount', { ...ENTRY, amount: undefined }, 'missing_param'],
    ['an amount that is a number', { ...ENTRY, amount: 10000 }, 'missing_param'],
    ['an amount of version 1', { ...ENTRY, amount: undefined, maxAmountRequired: '1' }, 'missing_param'],
    ['no asset', { ...ENTRY, asset: '' }, 'missing_param'],
    ['no payee', { ...ENTRY, payTo: {} }, 'missing_param'],
    ['no time', { ...ENTRY, maxTimeoutSeconds: undefined }, 'missing_param'],
    ['a time of nothing', { ...ENTRY, maxTimeoutSeconds: 0 }, 'missing_param'],
    ['a time that is a text', { ...ENTRY, maxTimeoutSeconds: '60' }, 'missing_param'],
    ['half a surrogate', { ...ENTRY, payTo: '\ud800' }, 'bad_json'],
  ])('%s', (_, entry, code) => {
    const { challenges, rejected } = read({ accepts: [entry, ENTRY, entry] })
    expect(challenges.map(({ id }) => id)).toEqual([hash(ENTRY)])
    expect(rejected.map((error) => error.code)).toEqual([code, code])
  })

  it('a number that cannot be returned as it was sent', () => {
    const huge = JSON.stringify(required({ accepts: [{ ...ENTRY, extra: { n: 0 } }, ENTRY] }))
    const { challenges, rejected } = parsePaymentRequired(base64(huge.replace('"n":0', '"n":1e999')), HOST)
    expect(challenges.map(({ id }) => id)).toEqual([hash(ENTRY)])
    expect(rejected.map(({ code }) => code)).toEqual(['bad_json'])
  })

  it('an inherited name is not a field', () => {
    const { constructor: _, ...entry } = { constructor: 1, ...ENTRY }
    expect(offer({ ...entry, toString: 'x', constructor: 'y' }).request).toHaveProperty('constructor', 'y')
  })
})

describe('the header', () => {
  const text = JSON.stringify(required({ error: '>>>???\u00fb\u00ff' }))
  test.each([
    ['padded base64', base64(text)],
    ['without padding', base64(text).replace(/=+$/, '')],
    ['base64url', Buffer.from(text).toString('base64url')],
    ['spaces around it', ` ${base64(text)}\t`],
  ])('is read: %s', (_, header) => {
    expect(parsePaymentRequired(header, HOST).challenges).toHaveLength(1)
  })

  test.each([
    ['nothing', '', 'bad_json'],
    ['the JSON itself', text, 'bad_base64url'],
    ['a line break within', `${base64(text).slice(0, 76)}\n${base64(text).slice(76)}`, 'bad_base64url'],
    ['no UTF-8', 'eyL/In0=', 'bad_utf8'],
    ['no JSON', base64('tea'), 'bad_json'],
    ['a list', base64([required()]), 'not_an_object'],
    ['null', base64('null'), 'not_an_object'],
    ['__proto__', base64('{"x402Version":2,"accepts":[],"__proto__":{}}'), 'unsafe_key'],
    ['__proto__ deep within', base64(text.replace('"extra":{', '"extra":{"__proto__":{},')), 'unsafe_key'],
    ['version 1', base64(required({ x402Version: 1 })), 'bad_version'],
    ['version 3', base64(required({ x402Version: 3 })), 'bad_version'],
    ['a version that is a text', base64(required({ x402Version: '2' })), 'bad_version'],
    ['no version', base64(required({ x402Version: undefined })), 'bad_version'],
    ['no accepts', base64(required({ accepts: undefined })), 'missing_param'],
    ['accepts that are an object', base64(required({ accepts: { 0: ENTRY } })), 'missing_param'],
    ['64 KiB and a little', base64(required()).padEnd(64 * 1024 + 1), 'header_too_large'],
    ['a megabyte', 'A'.repeat(1024 * 1024), 'header_too_large'],
    ['too deep', base64(`{"a":${'['.repeat(32)}${']'.repeat(32)}}`), 'json_too_deep'],
    ['nothing but brackets', base64('['.repeat(40_000)), 'bad_json'],
  ])('is refused: %s', (_, header, code) => {
    const { challenges, rejected } = parsePaymentRequired(header, HOST)
    expect(challenges).toEqual([])
    expect([...new Set(rejected.map((error) => error.code))]).toEqual([code])
  })

  it('may be several joined ones: a bad one does not hide the others', () => {
    const other = required({ accepts: [{ ...ENTRY, amount: '5' }], error: 'Tea first' })
    const joined = [base64(text), 'no base64!', ` ${base64(other)}`].join(',')
    const { challenges, rejected, error } = parsePaymentRequired(joined, HOST)
    expect(challenges.map(({ request }) => request['amount'])).toEqual(['10000', '5'])
    expect(rejected.map(({ code }) => code)).toEqual(['bad_base64url'])
    expect(error).toBe('>>>???\u00fb\u00ff')
    const many = parsePaymentRequired(Array.from({ length: 9 }, () => base64(other)).join(','), HOST)
    expect(many.challenges).toHaveLength(8)
  })

  it('may carry a nested schema of a route’s input', () => {
    const nest = (depth: number): object => (depth === 0 ? {} : { properties: { a: nest(depth - 1) } })
    expect(read({ extensions: { bazaar: { schema: nest(12) } } }).challenges).toHaveLength(1)
  })

  it('is read up to 64 entries', () => {
    const accepts = (good: number) => Array.from({ length: 65 }, (_, index) => (index === good ? ENTRY : 0))
    expect(read({ accepts: accepts(63) }).challenges).toHaveLength(1)
    expect(read({ accepts: accepts(64) }).challenges).toEqual([])
    expect(codes({ accepts: accepts(64) }).at(-1)).toBe('too_many_challenges')
    expect(codes({ accepts: accepts(64).slice(1) })).not.toContain('too_many_challenges')
  })

  it('may ask for nothing, with a reason', () => {
    expect(read({ accepts: [] })).toEqual({ challenges: [], rejected: [], error: 'Payment required' })
  })
})

describe('a sign-in', () => {
  const signIns = (extension: unknown) =>
    read({ extensions: { 'sign-in-with-x': extension } }).challenges.filter(
      ({ kind }) => kind === 'x402/sign-in',
    )

  it('is an additional offer, after those of money', () => {
    const extensions = { 'sign-in-with-x': { ...SIGN_IN, schema: { type: 'object' } } }
    const { challenges } = read({ extensions })
    expect(challenges.map(({ kind }) => kind)).toEqual(['x402/exact', 'x402/sign-in'])
    expect(challenges[0]?.echo).toMatchObject({ extensions })
    expect(challenges[1]).toEqual({
      kind: 'x402/sign-in',
      id: hash(SIGN_IN),
      realm: HOST,
      request: SIGN_IN,
      words: SIGN_IN.info.statement,
      echo: { envelope: 'sign-in', info: SIGN_IN.info },
    })
    const { request } = challenges[1] ?? {}
    for (const part of [challenges[1], challenges[1]?.echo, request, request?.['info']])
      expect(Object.isFrozen(part)).toBe(true)
  })

  it('may be the only offer', () => {
    const { challenges } = read({ accepts: [], extensions: { 'sign-in-with-x': SIGN_IN } })
    expect(challenges.map(({ kind }) => kind)).toEqual(['x402/sign-in'])
  })

  it('has no explicit nulls, which servers refuse in a reply', () => {
    const info = { ...SIGN_IN.info, statement: null, requestId: null }
    const { statement: _, ...rest } = SIGN_IN.info
    expect(signIns({ ...SIGN_IN, info })[0]?.echo).toEqual({ envelope: 'sign-in', info: rest })
  })

  it('names the readable chains', () => {
    const supportedChains = [null, {}, { chainId: 'eip155:1' }, { chainId: 1, type: 'eip191' }]
    const good = { chainId: 'eip155:1', type: 'eip191' }
    const [signIn] = signIns({ ...SIGN_IN, supportedChains: [...supportedChains, good] })
    expect(signIn?.request['supportedChains']).toEqual([good])
    expect(signIns({ ...SIGN_IN, supportedChains })).toEqual([])
  })

  it.each([
    ['no info', { ...SIGN_IN, info: undefined }],
    ['no nonce', { ...SIGN_IN, info: { ...SIGN_IN.info, nonce: '' } }],
    ['no domain', { ...SIGN_IN, info: { ...SIGN_IN.info, domain: null } }],
    ['no chains', { ...SIGN_IN, supportedChains: null }],
    ['chains that are an object', { ...SIGN_IN, supportedChains: {} }],
  ])('is refused, and does not hide an offer of money: %s', (_, extension) => {
    const { challenges, rejected } = read({ extensions: { 'sign-in-with-x': extension } })
    expect(challenges.map(({ kind }) => kind)).toEqual(['x402/exact'])
    expect(rejected.map(({ code }) => code)).toEqual(['bad_sign_in'])
  })

  it.each([
    ['null', null],
    ['a text', 'yes'],
  ])('is absent if the extension is %s', (_, extension) => {
    expect(signIns(extension)).toEqual([])
  })
})

describe('an offer of version 1', () => {
  const body = (changes: object = {}) =>
    JSON.stringify({ x402Version: 1, error: 'X-PAYMENT header is required', accepts: [ENTRY_V1], ...changes })
  const parse = (changes?: object) => parsePaymentRequiredBody(body(changes), HOST)

  it('is the received entry', () => {
    expect(parse()).toEqual({
      challenges: [
        {
          kind: 'x402/exact',
          id: hash(ENTRY_V1),
          realm: HOST,
          request: ENTRY_V1,
          words: 'A cup of tea',
          echo: { envelope: 'x402', version: 1, accepted: ENTRY_V1 },
        },
      ],
      rejected: [],
      error: 'X-PAYMENT header is required',
    })
  })

  it('can be read by the reference SDK too', () => {
    expect(isPaymentRequired(JSON.parse(body()))).toBe(true)
  })

  it('has no extensions and no resource, even if the body contains them', () => {
    const { challenges } = parse({ extensions: { 'sign-in-with-x': SIGN_IN }, resource: RESOURCE })
    expect(challenges.map(({ echo }) => echo)).toEqual([{ envelope: 'x402', version: 1, accepted: ENTRY_V1 }])
  })

  it.each([
    ['version 2', { x402Version: 2 }, 'bad_version'],
    ['no version', { x402Version: undefined }, 'bad_version'],
    ['no accepts', { accepts: null }, 'missing_param'],
    ['an entry of version 2', { accepts: [ENTRY] }, 'missing_param'],
    ['a network that is no name', { accepts: [{ ...ENTRY_V1, network: 'a b' }] }, 'bad_network'],
  ])('is refused: %s', (_, changes, code) => {
    const { challenges, rejected } = parse(changes)
    expect(challenges).toEqual([])
    expect(rejected.map((error) => error.code)).toEqual([code])
  })

  it.each(['', '{', '[]', 'null', '"402"', '<html>', ' '.repeat(65 * 1024)])('is refused in %j', (text) => {
    const { challenges, rejected } = parsePaymentRequiredBody(text, HOST)
    expect(challenges).toEqual([])
    expect(rejected).toHaveLength(1)
  })
})
