import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  encodeCredential,
  type ParsedPaymentRequired,
  PROTOCOL_ERROR_CODES,
  ProtocolError,
  parsePaymentRequired,
  parsePaymentRequiredBody,
  parsePaymentResponse,
  settlementProblem,
} from '../../../src/protocol/index.js'
import {
  base64,
  decoded,
  ENTRY,
  ENTRY_V1,
  HOST,
  INFO,
  offer,
  RESOURCE,
  required,
  SIGN_IN,
} from './documents.js'

const CODES: ReadonlySet<string> = new Set(PROTOCOL_ERROR_CODES)
const KINDS = /^x402\/[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

/** Anything outside the closed list is a regression, and so is an offer that could not be answered. */
function check({ challenges, rejected }: ParsedPaymentRequired): void {
  for (const error of rejected) {
    expect(error).toBeInstanceOf(ProtocolError)
    expect(CODES.has(error.code)).toBe(true)
  }
  for (const challenge of challenges) {
    expect(challenge.kind).toMatch(KINDS)
    expect(challenge.id).toMatch(/^[0-9a-f]{64}$/)
    expect(challenge.realm).toBe(HOST)
    // Only a sign-in of the extension costs nothing: no entry may call itself one.
    expect(challenge.kind === 'x402/sign-in').toBe(challenge.echo.envelope === 'sign-in')
    const { header, value } = encodeCredential({ challenge, payload: { signature: '0x' } })
    expect(['payment-signature', 'x-payment', 'sign-in-with-x']).toContain(header)
    expect(value).toMatch(/^[A-Za-z0-9+/]+={0,2}$/)
  }
}

const key = fc.oneof(
  fc.constantFrom(
    'scheme',
    'network',
    'amount',
    'extra',
    'info',
    'domain',
    '__proto__',
    'constructor',
    'toJSON',
  ),
  fc.string({ maxLength: 6 }),
)
const leaf = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1e308, '', 'exact', 'sign-in', 'eip155:1', 'base', '10000'),
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.jsonValue({ maxDepth: 2 }),
)
const any = fc.oneof(
  leaf,
  fc.array(leaf, { maxLength: 4 }),
  fc.array(fc.tuple(key, leaf), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs)),
)

/** A good document with some of its values replaced by anything. */
const spoilt = (document: object) =>
  fc
    .array(fc.tuple(fc.nat(60), any), { maxLength: 6 })
    .map((spoils) => JSON.stringify(replaced(document, new Map(spoils), { at: 0 })) ?? 'null')

/** Values are counted from the outside in; what is put in is not looked into. */
function replaced(value: unknown, spoils: ReadonlyMap<number, unknown>, count: { at: number }): unknown {
  const at = count.at++
  if (spoils.has(at)) return spoils.get(at)
  if (Array.isArray(value)) return value.map((item) => replaced(item, spoils, count))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, replaced(item, spoils, count)]),
  )
}

const V2 = required({
  accepts: [ENTRY, { ...ENTRY, scheme: 'upto' }],
  extensions: { 'sign-in-with-x': SIGN_IN },
})
const V1 = { x402Version: 1, error: 'X-PAYMENT header is required', accepts: [ENTRY_V1, ENTRY_V1] }

it.each([
  ['any text', fc.string({ unit: 'binary', maxLength: 200 })],
  ['any JSON', fc.json()],
  ['a message with random values', spoilt(V2)],
  ['a body with random values', spoilt(V1)],
])('yields offers or listed codes: %s', (_, text) => {
  const header = fc.oneof(text, text.map(base64))
  fc.assert(
    fc.property(header, text, (value, body) => {
      check(parsePaymentRequired(value, HOST))
      check(parsePaymentRequiredBody(body, HOST))
    }),
    { numRuns: 1000 },
  )
})

it('a header with random edits yields offers or listed codes', () => {
  const whole = base64(V2)
  const edit = fc.tuple(fc.nat(whole.length), fc.nat(3), fc.base64String({ maxLength: 4 }))
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 4 }), (edits) => {
      check(
        parsePaymentRequired(
          edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), whole),
          HOST,
        ),
      )
    }),
    { numRuns: 1000 },
  )
})

it('an entry is returned exactly as it was written', () => {
  const extra = fc
    .dictionary(
      fc.string({ maxLength: 8 }).filter((name) => name !== '__proto__'),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 5 },
    )
    .map((value) => JSON.stringify(value))
    .filter((text) => !text.includes('"__proto__"') && !/\\ud[89a-f]/i.test(text))
  fc.assert(
    fc.property(extra, (text) => {
      const entry: object = { ...ENTRY, extra: JSON.parse(text) }
      const challenge = offer(entry)
      const { value } = encodeCredential({ challenge, payload: { signature: '0x' } })
      expect(JSON.stringify(decoded(value)['accepted'])).toBe(JSON.stringify(entry))
      expect(canonicalize(challenge.request)).toBe(canonicalize(entry))
    }),
    { numRuns: 500 },
  )
})

it('parsing a settlement never throws', () => {
  const settled = { success: true, transaction: '0x', network: 'base', errorReason: 'x', extra: RESOURCE }
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), spoilt(settled), spoilt(INFO)), (text) => {
      for (const receipt of [parsePaymentResponse(text), parsePaymentResponse(base64(text))]) {
        if (receipt === undefined) continue
        expect(typeof receipt.success).toBe('boolean')
        expect(receipt.success).toBe(receipt.claims['success'] === true)
        const problem = settlementProblem(receipt)
        expect(problem === undefined).toBe(receipt.success)
        if (problem) expect(problem.type).toMatch(/^(about:blank|x402:[A-Za-z0-9][A-Za-z0-9_.-]{0,99})$/)
      }
    }),
    { numRuns: 1000 },
  )
})
