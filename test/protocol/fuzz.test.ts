import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  acceptQuality,
  decodeBase64url,
  encodeBase64url,
  encodeCredential,
  type JsonObject,
  PROTOCOL_ERROR_CODES,
  ProtocolError,
  parseAcceptPayment,
  parseChallenges,
  parseJsonObject,
  parseProblem,
  parseReceipt,
} from '../../src/protocol/index.js'
import { encode, only, payment, REQUEST } from './headers.js'

const CODES: ReadonlySet<string> = new Set(PROTOCOL_ERROR_CODES)

/** Reads a header; anything outside the closed list is a regression. */
function check(header: string | readonly string[]): void {
  const { challenges, rejected } = parseChallenges(header)
  for (const error of rejected) {
    expect(error).toBeInstanceOf(ProtocolError)
    expect(CODES.has(error.code)).toBe(true)
  }
  for (const challenge of challenges) {
    expect(challenge.id).not.toBe('')
    expect(challenge.kind).toMatch(/^[a-z][a-z0-9:_-]*\/[A-Za-z0-9][A-Za-z0-9:_-]*$/)
    // What cannot be sent back is not worth reading.
    expect(encodeCredential({ challenge, payload: {} }).value).toMatch(/^Payment [A-Za-z0-9_-]+$/)
  }
}

const fragment = fc.constantFrom(
  ...[
    'Payment',
    'Basic',
    'id',
    'realm',
    'method',
    'request',
    'expires',
    '__proto__',
    'abc==',
    REQUEST,
    '2026-01-01T00:00:00Z',
  ],
  ...[
    '"',
    '\\',
    '=',
    ',',
    ' ',
    '\t',
    '\r\n',
    '\\u2014',
    '\\"',
    '\0',
    '\u00e9',
    '\u2014',
    '/',
    'a="b"',
    'tempo',
    'charge',
  ],
  payment(),
)
const soup = fc.array(fragment, { maxLength: 60 }).map((parts) => parts.join(''))

/** The same without any challenge of ours in it. */
const foreign = soup.map((text) => text.replace(/payment/gi, 'Other'))

const whole = `Basic realm="x, y", ${payment({ description: 'a \\"b\\"', expires: '2026-11-21T12:00:00Z' })}, ${payment({ id: 'second' })}`
const mutated = fc
  .array(fc.tuple(fc.nat(whole.length), fc.nat(3), fc.string({ unit: 'binary', maxLength: 3 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((edits) =>
    edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), whole),
  )

/** A quoted string as RFC 9110 has servers write it. */
const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`
const latin1 = fc
  .array(fc.oneof(fc.integer({ min: 32, max: 126 }), fc.integer({ min: 160, max: 255 }), fc.constant(9)), {
    maxLength: 40,
  })
  .map((codes) => String.fromCharCode(...codes))

const json = fc.dictionary(
  fc.string({ maxLength: 8 }).filter((key) => key !== '__proto__'),
  fc.jsonValue({ maxDepth: 4 }),
  { maxKeys: 6 },
)

describe('challenges', () => {
  it.each([
    ['any text', fc.string({ unit: 'binary', maxLength: 300 })],
    ['fragments of headers', soup],
    ['a header with random edits', mutated],
  ])('yield a challenge or a listed code: %s', (_, header) => {
    fc.assert(fc.property(header, check), { numRuns: 1500 })
    fc.assert(fc.property(fc.array(header, { maxLength: 4 }), check), { numRuns: 300 })
  })

  it('are parsed as they were written, for any values', () => {
    fc.assert(
      fc.property(latin1, latin1, latin1, json, (id, realm, description, request) => {
        fc.pre(id !== '' && !JSON.stringify(request).includes('"__proto__"'))
        const encoded = encode(request)
        fc.pre(encoded.length <= 16_384)
        const header = `Payment id=${quoted(id)}, realm=${quoted(realm)}, method=a, intent=b, request=${encoded}, description=${quoted(description)}`
        const challenge = only(`X ${quoted(realm).length > 2 ? `a=${quoted(realm)}` : 'b'}, ${header}, Y c==`)
        expect(challenge.id).toBe(id)
        expect(challenge.realm).toBe(realm)
        expect(challenge.request).toEqual(JSON.parse(JSON.stringify(request)))
        expect(challenge.echo.params).toEqual({
          id,
          realm,
          method: 'a',
          intent: 'b',
          request: encoded,
          description,
        })
      }),
    )
  })

  it('are never found inside the values of others', () => {
    fc.assert(
      fc.property(soup, soup, (first, second) => {
        const safe = (text: string): string => quoted(text.replace(/[^\t\x20-\x7e\xa0-\xff]/g, ''))
        const { challenges } = parseChallenges(`Basic realm=${safe(first)}, Digest a=${safe(second)}, b=c`)
        expect(challenges).toEqual([])
      }),
    )
  })

  it('do not depend on other lines', () => {
    fc.assert(
      fc.property(foreign, foreign, (before, after) => {
        expect(
          parseChallenges([before, payment({ id: 'good' }), after]).challenges.map(({ id }) => id),
        ).toEqual(['good'])
      }),
    )
  })

  it('do not depend on the joining of lines', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(payment(), payment({ id: 'b' }), 'Basic realm="q"', 'Negotiate ab=='), {
          maxLength: 8,
        }),
        (lines) => {
          expect(parseChallenges(lines.join(', ')).challenges).toEqual(parseChallenges(lines).challenges)
        },
      ),
    )
  })
})

describe('encodings', () => {
  it('base64url equals the output of Node, and decodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = encodeBase64url(bytes)
        expect(text).toBe(Buffer.from(bytes).toString('base64url'))
        expect(decodeBase64url(text)).toEqual(new Uint8Array(bytes))
      }),
    )
  })

  it('base64url has one spelling for every value', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const bytes = decodeBase64url(text)
        if (bytes !== undefined) expect(encodeBase64url(bytes)).toBe(text)
      }),
      { numRuns: 1000 },
    )
  })

  it('JSON yields an object or a listed code', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), soup), (text) => {
        let value: JsonObject | undefined
        try {
          value = parseJsonObject(text, { length: 200, depth: 3 })
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
        if (value !== undefined) expect(value).toEqual(JSON.parse(text))
      }),
    )
  })

  it('parsing receipts, problems and preferences never throws', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), soup)
    fc.assert(
      fc.property(text, (value) => {
        const receipts = [parseReceipt(value), parseReceipt(encode(value))]
        for (const receipt of receipts)
          if (receipt !== undefined) expect(typeof receipt.success).toBe('boolean')
        const problem = parseProblem(value)
        if (problem !== undefined) expect(typeof problem.type).toBe('string')
        const quality = acceptQuality(parseAcceptPayment(value) ?? [], 'tempo/charge')
        expect(quality >= 0 && quality <= 1).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})
