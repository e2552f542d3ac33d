import { describe, expect, it } from 'vitest'
import { parseChallenges } from '../../src/protocol/index.js'
import { encode, only, outcome, payment, REQUEST } from './headers.js'

const A = payment({ id: 'a' })
const B = payment({ id: 'b' })

describe('the content of a challenge', () => {
  it('is read whole', () => {
    const header = payment({
      description: 'Tea & biscuits',
      digest: 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:',
      expires: '2026-11-21T12:00:00+01:00',
      header: 'Payment-Authorization',
      opaque: encode({ order: '7' }),
      later: 'ignored',
    })
    expect(only(header)).toEqual({
      kind: 'tempo/charge',
      id: 'abc',
      realm: 'api',
      request: { amount: '10000', currency: '0x20c0', recipient: '0x742d' },
      expires: Date.UTC(2026, 10, 21, 11),
      digest: 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:',
      words: 'Tea & biscuits',
      echo: {
        envelope: 'mpp',
        header: 'payment-authorization',
        params: {
          id: 'abc',
          realm: 'api',
          method: 'tempo',
          intent: 'charge',
          request: REQUEST,
          description: 'Tea & biscuits',
          digest: 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:',
          expires: '2026-11-21T12:00:00+01:00',
          header: 'Payment-Authorization',
          opaque: encode({ order: '7' }),
        },
      },
    })
  })

  it('is frozen, with its request', () => {
    const challenge = only(payment({ request: encode({ methodDetails: { splits: [{ amount: '1' }] } }) }))
    const details = challenge.request['methodDetails']
    for (const part of [challenge, challenge.echo, challenge.echo.params, challenge.request, details])
      expect(Object.isFrozen(part)).toBe(true)
    expect(() => Object.assign(Object(details), { splits: [] })).toThrow(TypeError)
  })

  it('keeps the bytes of a request that is not canonical', () => {
    const request = encode('{ "b": 1,\n "a": "\\u0041" }')
    const challenge = only(payment({ request }))
    expect(challenge.request).toEqual({ a: 'A', b: 1 })
    expect(challenge.echo.params['request']).toBe(request)
  })

  it('shows a description cleaned, and returns it unchanged', () => {
    const challenge = only(payment({ description: 'pay\u0085 n\u00adow' }))
    expect(challenge.words).toBe('pay n ow')
    expect(challenge.echo.params['description']).toBe('pay\u0085 n\u00adow')
  })

  it('has no words if the description is empty', () => {
    expect(only(payment({ description: '' }))).not.toHaveProperty('words')
    expect(only(payment())).not.toHaveProperty('words')
  })

  it('may omit everything optional', () => {
    expect(Object.keys(only(payment())).sort()).toEqual(['echo', 'id', 'kind', 'realm', 'request'])
    expect(Object.keys(only(payment()).echo.params)).toEqual(['id', 'realm', 'method', 'intent', 'request'])
  })

  it('may name an unknown digest', () => {
    expect(only(payment({ digest: 'md5=:AA==:' })).digest).toBe('md5=:AA==:')
  })
})

describe('the syntax of parameters', () => {
  it.each([
    ['scheme in any case', payment().replace('Payment', 'pAYMENT')],
    ['names in any case', payment().replaceAll('realm=', 'ReAlM=').replaceAll('id=', 'ID=')],
    [
      'tokens without quotes',
      payment({ id: '=abc', method: '=tempo', intent: '=charge', request: `=${REQUEST}` }),
    ],
    ['bad whitespace around =', payment().replaceAll('="', ' \t = \t"')],
    ['whitespace around commas', payment().replaceAll(', ', ' \t , \t')],
    ['no whitespace around commas', payment().replaceAll(', ', ',')],
    ['empty list elements', `, ,${payment().replaceAll(', ', ',, ,')}, ,`],
    ['several spaces after the scheme', payment().replace('Payment ', 'Payment \t ')],
    ['another order', `Payment request="${REQUEST}", intent="charge", method="tempo", realm="api", id="abc"`],
    ['quoted pairs', payment({ id: '\\a\\b\\c', realm: 'a\\pi' })],
    ['unknown parameters', payment({ foo: 'x', 'x-y.z!': '=1' })],
    ['parameters with inherited names', payment({ constructor: 'x', toString: 'y', hasOwnProperty: '=1' })],
  ])('%s', (_, header) => {
    expect(only(header)).toEqual(only(payment()))
  })

  it.each([
    ['"', '\\"'],
    ['\\', '\\\\'],
    ['a, Payment id="z"', 'a, Payment id=\\"z\\"'],
    ['\ttab', '\ttab'],
    ['caf\u00e9', 'caf\u00e9'],
    ['a \u2014 b', 'a \\u2014 b'],
    ['\u{1f600}', '\\ud83d\\ude00'],
    ['\\u2014', '\\\\u2014'],
    // A quoted pair, as RFC 9110 reads it: only what a header cannot hold is written with \u.
    ['u0022', '\\u0022'],
    ['u00ff', '\\u00ff'],
    ['u20', '\\u20'],
    ['uu2014', '\\uu2014'],
    ['', ''],
  ])('reads the realm %j', (realm, written) => {
    expect(only(payment({ realm: written })).realm).toBe(realm)
  })

  it('does not turn a parameter __proto__ into a property', () => {
    const challenge = only(`${payment()}, __proto__="x", __PROTO2__=y`)
    expect('toString' in challenge.echo.params).toBe(false)
    expect(Object.hasOwn(challenge.echo.params, '__proto__')).toBe(false)
  })
})

describe('a description with quotes that are not escaped', () => {
  const loose = (text: string, rest: Readonly<Record<string, string | undefined>> = {}): string =>
    payment({ description: undefined, ...rest }).replace('Payment ', `Payment description="${text}", `)

  it.each([
    ['Pay "now" please', 'Pay "now" please'],
    ['say "hi", and "bye"', 'say "hi", and "bye"'],
    ['the "best"', 'the "best"'],
    ['a "b\\"c" d', 'a "b"c" d'],
    ['"', '"'],
    ['5" disk', '5" disk'],
    ['"hi", and more', '"hi", and more'],
    ['hi", and more', 'hi", and more'],
    ['see "a", "b", and c', 'see "a", "b", and c'],
    ['for "x", 5 of it', 'for "x", 5 of it'],
  ])('is read to its end: %s', (text, words) => {
    for (const header of [loose(text), payment({ description: text })]) {
      const challenge = only(header)
      expect(challenge).toMatchObject({ id: 'abc', kind: 'tempo/charge', words })
      expect(challenge.echo.params).toMatchObject({ request: REQUEST, description: words })
    }
  })

  it('does not hide or change another challenge', () => {
    const first = payment({ id: 'first', description: 'a "b" c' })
    expect(outcome(`${first}, ${A}`)).toEqual({ ids: ['first', 'a'], codes: [] })
    expect(outcome(`${A}, ${first}`)).toEqual({ ids: ['a', 'first'], codes: [] })
    expect(outcome(`${first}, Basic realm="x", ${A}`)).toEqual({ ids: ['first', 'a'], codes: [] })
  })

  it('decides nothing: names inside it are not parameters, and a swallowed parameter is missing', () => {
    const { request } = only(loose('x "y request="evil" z'))
    expect(request).toMatchObject({ amount: '10000' })
    // The quote before `request` has nothing behind it that a description could end at.
    const swallowed =
      'Payment id="abc", realm="api", method="tempo", intent="charge", description="x "y, request="e" z"'
    expect(outcome(swallowed)).toEqual({ ids: [], codes: ['malformed'] })
    expect(outcome(loose('x "y", request="evil'))).toEqual({ ids: [], codes: ['duplicate_param'] })
  })

  it('contains no parameter, even if a backslash hides the quote before it', () => {
    const ends = payment({ description: 'x\\', expires: '2026-11-21T12:00:00Z', digest: 'sha-256=:AA==:' })
    expect(outcome([ends, A])).toEqual({ ids: ['a'], codes: ['malformed'] })
  })

  it.each([
    ['a scheme with a parameter', 'tea", Basic realm="'],
    ['words that read like schemes', 'tea", and more, and "more'],
  ])('does not let its author remove the following parameters, by %s', (_, text) => {
    const whole = payment({ id: undefined, request: undefined, description: text })
    const rest = (more: string) => outcome([`${whole}, ${more}`, A])
    expect(rest(`id="abc", request="${REQUEST}"`).ids).toEqual(['a'])
    const end = `id="abc", request="${REQUEST}", description="${text}"`
    const lost = payment({ id: undefined, request: undefined })
    for (const more of ['digest="sha-256=:AA==:"', 'expires="2026-11-21T12:00:00Z"'])
      expect(outcome([`${lost}, ${end}, ${more}`, A])).toEqual({ ids: ['a'], codes: ['malformed'] })
  })

  it.each([
    ['a scheme alone', 'Negotiate'],
    ['a scheme with a token', 'Negotiate YII='],
    ['a scheme with a parameter', 'Basic realm="x"'],
    ['a scheme with a broken parameter', 'Basic realm="x'],
    ['a parameter', 'foo=bar'],
    ['nothing', ''],
  ])('ends where it is closed, if %s follows', (_, next) => {
    const first = payment({ id: 'first', description: 'hi' })
    expect(only(`${first}, ${next}`)).toMatchObject({ id: 'first', words: 'hi' })
  })

  it('ends where it is closed, if only a broken item and another challenge follow', () => {
    const first = payment({ id: 'first', description: 'hi' })
    expect(outcome(`${first}, Broken @@@, ${A}`)).toEqual({ ids: ['first', 'a'], codes: [] })
  })

  it.each([
    ['a second request after it', 'tea", and more", request="evil'],
    ['a second id after it', 'tea", and "more", id="evil'],
    ['a request of another scheme', 'tea", request="evil", Basic realm="'],
    ['words that read like other schemes', 'tea", and more, and "more", request="evil'],
  ])('does not let its author change the payment: %s', (_, text) => {
    expect(outcome(loose(text)).ids.map(String)).not.toContain('evil')
    for (const header of [payment({ description: text }), loose(text)]) {
      const { challenges } = parseChallenges(header)
      for (const { request } of challenges) expect(request).toMatchObject({ amount: '10000' })
    }
  })

  it.each([['realm'], ['id'], ['foo'], ['opaque']])(
    'is the only parameter with this reading, unlike %s',
    (name) => {
      expect(outcome(payment({ [name]: 'a "b" c' }))).toEqual({ ids: [], codes: ['malformed'] })
    },
  )

  it('that never ends, or contains a control character, breaks only its own challenge', () => {
    expect(outcome([payment({ description: '="a "b' }), A])).toEqual({ ids: ['a'], codes: ['malformed'] })
    expect(outcome([payment({ description: 'a "b\x00" c' }), A])).toEqual({
      ids: ['a'],
      codes: ['malformed'],
    })
  })

  it('is read in one pass, for any number of quotes', () => {
    const start = performance.now()
    only(payment({ description: '", a '.repeat(3000) }))
    expect(performance.now() - start).toBeLessThan(500)
  })
})

describe('several challenges', () => {
  it.each([
    ['in one line', `${A}, ${B}`],
    ['in several lines', [A, B]],
    ['with other schemes before', `Basic realm="x", Bearer, ${A}, ${B}`],
    ['with other schemes between', `${A}, Digest realm="x", nonce="y, z", qop=auth, ${B}`],
    ['with other schemes behind', `${A}, ${B}, Bearer error="invalid_token"`],
    ['with token68 before', `Negotiate TlRMTVNT+/A==, ${A}, NTLM abc, ${B}`],
    ['with token68 between and behind', `${A}, Negotiate a.b~c-d_e/f+g=, ${B}, X abc==`],
    ['with bare schemes everywhere', `Negotiate, ${A},Negotiate ,${B}, Negotiate`],
    ['with scheme-like names', `PaymentX id="z", XPayment id="z", Payment2 abc, ${A}, ${B}`],
    ['with empty lines', ['', A, ' , ', B]],
  ])('%s', (_, header) => {
    expect(outcome(header)).toEqual({ ids: ['a', 'b'], codes: [] })
  })

  it.each([
    ['a realm of another scheme', `Basic realm="x, Payment id=z, method=tempo", ${A}`],
    [
      'a realm of another scheme, with escaped quotes',
      `Basic realm="\\", ${payment({ id: 'z' }).replaceAll('"', '\\"')}", ${A}`,
    ],
    ['a description', payment({ id: 'a', description: `x, ${B.replaceAll('"', '\\"')}` })],
    ['a realm that ends in a backslash', `Basic realm="x\\\\", ${A}`],
    ['a parameter called payment', `Digest a=b, Payment = "x", payment=y, ${A}`],
    ['a scheme-like parameter of its own', `${A}, Payment = x`],
    ['a token68', `Negotiate Payment, ${A}`],
  ])('treats text as text: %s', (_, header) => {
    expect(outcome(header)).toEqual({ ids: ['a'], codes: [] })
  })

  it('does not let a quote run into the next line', () => {
    expect(outcome(['Basic realm="x', A])).toEqual({ ids: ['a'], codes: [] })
    expect(outcome([payment({ id: '="z' }), A])).toEqual({ ids: ['a'], codes: ['malformed'] })
  })

  it('reads at most 64, and reports the rest', () => {
    const many = Array.from({ length: 65 }, (_, index) => payment({ id: `${index}` }))
    expect(outcome(many.slice(0, 64).join())).toMatchObject({ codes: [] })
    for (const header of [many.join(), many, [...many, ...many]]) {
      const { ids, codes } = outcome(header)
      expect(ids).toHaveLength(64)
      expect(ids.at(-1)).toBe('63')
      expect(codes).toEqual(['too_many_challenges'])
    }
  })

  it('counts broken ones too', () => {
    const { ids, codes } = outcome(Array.from({ length: 200 }, () => 'Payment').join())
    expect(ids).toEqual([])
    expect(codes).toEqual([...Array.from({ length: 64 }, () => 'missing_param'), 'too_many_challenges'])
  })
})

describe('a challenge that cannot be read', () => {
  const deep = `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`
  const table = [
    ['nothing but the scheme', 'Payment', 'missing_param'],
    ['no id', payment({ id: undefined }), 'missing_param'],
    ['an empty id', payment({ id: '' }), 'missing_param'],
    ['no realm', payment({ realm: undefined }), 'missing_param'],
    ['no method', payment({ method: undefined }), 'missing_param'],
    ['no intent', payment({ intent: undefined }), 'missing_param'],
    ['no request', payment({ request: undefined }), 'missing_param'],
    ['an upper-case method', payment({ method: 'Tempo' }), 'bad_method'],
    ['a method with a slash', payment({ method: 'a/b' }), 'bad_method'],
    ['an empty method', payment({ method: '' }), 'bad_method'],
    ['an intent with a slash', payment({ intent: 'a/b' }), 'bad_intent'],
    ['an intent that is a wildcard', payment({ intent: '*' }), 'bad_intent'],
    ['padding', payment({ request: `${encode({ a: 'b' })}=` }), 'bad_base64url'],
    ['plain base64', payment({ request: 'eyJhIjoi+/8ifQ' }), 'bad_base64url'],
    ['spaces in base64url', payment({ request: 'eyJh IjoiYiJ9' }), 'bad_base64url'],
    ['an impossible length', payment({ request: 'eyJhI' }), 'bad_base64url'],
    ['stray bits', payment({ request: 'e31' }), 'bad_base64url'],
    ['a character too many', payment({ request: `${encode('{"a":123}')}A` }), 'bad_base64url'],
    ['an empty request', payment({ request: '' }), 'bad_json'],
    ['bytes that are not UTF-8', payment({ request: 'eyL_In0' }), 'bad_utf8'],
    ['a byte order mark', payment({ request: encode('\ufeff{}') }), 'bad_json'],
    ['no JSON', payment({ request: encode('{a:1}') }), 'bad_json'],
    ['an array', payment({ request: encode([]) }), 'not_an_object'],
    ['a string', payment({ request: encode('"x"') }), 'not_an_object'],
    ['null', payment({ request: encode('null') }), 'not_an_object'],
    [
      'a request with __proto__',
      payment({ request: encode('{"a":[{"__proto__":{"amount":"1"}}]}') }),
      'unsafe_key',
    ],
    ['a deep request', payment({ request: encode(deep) }), 'json_too_deep'],
    ['a request beyond 16 KiB', payment({ request: encode({ a: 'x'.repeat(13_000) }) }), 'param_too_large'],
    ['an id beyond 16 KiB', payment({ id: 'x'.repeat(16_385) }), 'param_too_large'],
    ['an expiry without a time', payment({ expires: '2026-11-21' }), 'bad_expires'],
    ['an expiry in seconds', payment({ expires: '1795261028' }), 'bad_expires'],
    ['an empty expiry', payment({ expires: '' }), 'bad_expires'],
    ['a cookie for the credential', payment({ header: 'Cookie' }), 'bad_header'],
    ['a field of its own for the credential', payment({ header: 'X-Pay' }), 'bad_header'],
    ['an empty field for the credential', payment({ header: '' }), 'bad_header'],
    ['the same parameter twice', payment({ ID: 'abc' }), 'duplicate_param'],
    ['the same unknown parameter twice', payment({ foo: 'x', Foo: 'x' }), 'duplicate_param'],
    ['__proto__ twice', `${payment()}, __proto__=x, __PROTO__=y`, 'duplicate_param'],
    ['a missing comma', payment().replace(', realm', ' realm'), 'malformed'],
    ['a missing comma and space', payment().replace(', realm', 'realm'), 'malformed'],
    ['a value that is no token', payment({ expires: '=2026-11-21T12:00:00Z' }), 'malformed'],
    ['no value', payment({ expires: '=' }), 'malformed'],
    ['a name that is no token', payment({ 'a@b': 'x' }), 'malformed'],
    ['no name', `${payment()}, ="x"`, 'malformed'],
    ['a quote inside a token', payment({ foo: '=a"b"' }), 'malformed'],
    ['text behind a quoted string', payment({ foo: '="a"b' }), 'malformed'],
    ['a token68', 'Payment abc==', 'malformed'],
    ['a token68 before parameters', `Payment abc, ${payment().slice(8)}`, 'malformed'],
    ['a line break in a value', payment({ description: 'a\r\n b' }), 'malformed'],
    ['a line break between parameters', payment().replace(', ', ',\r\n '), 'malformed'],
    ['NUL in a value', payment({ realm: 'a\0b' }), 'malformed'],
    ['DEL in a value', payment({ realm: 'a\x7fb' }), 'malformed'],
    ['an escaped control character', payment({ realm: 'a\\\x1bb' }), 'malformed'],
  ] as const

  it.each(table)('%s', (_, header, code) => {
    expect(outcome(header)).toEqual({ ids: [], codes: [code] })
  })

  it.each(table)('does not hide another one: %s', (_, header, code) => {
    expect(outcome(`${A}, ${header}, ${B}`)).toEqual({ ids: ['a', 'b'], codes: [code] })
  })

  it.each([
    ['an unterminated quote', payment({ description: '="x' })],
    ['a backslash at the end', payment({ description: '="x\\' })],
  ])('consumes the rest of its line only if that is text: %s', (_, header) => {
    expect(outcome(`${A}, ${header}`)).toEqual({ ids: ['a'], codes: ['malformed'] })
    expect(outcome([`${A}, ${header}`, B])).toEqual({ ids: ['a', 'b'], codes: ['malformed'] })
  })

  it('reports its first fault', () => {
    expect(outcome(`${payment({ ID: 'x' })}, a@b=c`)).toEqual({ ids: [], codes: ['duplicate_param'] })
    expect(outcome(`${payment({ 'a@b': 'c', ID: 'x' })}`)).toEqual({ ids: [], codes: ['malformed'] })
  })

  it.each([
    ['a parameter without a name', `="x, ${B.replaceAll('"', '\\"')}, c"`],
    ['a quote where none belongs', `foo=bar "x, ${B.replaceAll('"', '\\"')}, c"`],
    ['text behind a quoted string', `foo="bar" "x, ${B.replaceAll('"', '\\"')}, c"`],
  ])('never ends inside a quote: %s', (_, item) => {
    expect(outcome(`${payment({ id: 'spoilt' })}, ${item}, ${A}`)).toEqual({
      ids: ['a'],
      codes: ['malformed'],
    })
  })

  it('is reported by its position, and never quoted', () => {
    const [error] = parseChallenges(`${A}, ${payment({ request: encode('{"secret":') })}`).rejected
    expect(error).toMatchObject({ name: 'ProtocolError', code: 'bad_json', offset: A.length + 2 })
    expect(error?.message).not.toContain('secret')
    expect(error?.cause).toBeUndefined()
  })
})

describe('nothing to read', () => {
  it.each([[''], ['   ,\t,'], ['Basic realm="x"'], ['id="a", realm="b"'], ['"'], ['=,==,"x" y'], [[]]])(
    '%j',
    (header) => {
      expect(outcome(header)).toEqual({ ids: [], codes: [] })
    },
  )
})
