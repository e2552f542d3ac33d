// Side by side with the reference SDK: what its servers write is read here, and what is written here its servers take.
import fc from 'fast-check'
import { Challenge, Credential, Errors, Receipt } from 'mppx'
import { describe, expect, it } from 'vitest'
import {
  acceptQuality,
  encodeCredential,
  formatAcceptPayment,
  type OfferKind,
  type Credential as Ours,
  type PaymentRange,
  PROBLEMS,
  parseAcceptPayment,
  parseChallenges,
  parseProblem,
  parseReceipt,
} from '../../src/protocol/index.js'
import { only } from './headers.js'

const secretKey = 'a-secret-key-of-at-least-32-bytes!'
const FIXED = {
  realm: 'api.example.com',
  method: 'tempo',
  intent: 'charge',
  request: {
    amount: '10000',
    currency: '0x20c0000000000000000000000000000000000000',
    recipient: '0x742d35Cc6634C0532925a3b844Bc9e7595f8fE00',
    methodDetails: { chainId: 4217, feePayer: true },
  },
}

const name = fc.stringMatching(/^[a-z][a-z0-9:_-]{0,8}$/)
const text = fc
  .string({ unit: 'grapheme', maxLength: 30 })
  // Their serializer refuses line breaks; other control characters cannot stand in a header at all.
  .map((value) => value.replace(/[\p{Cc}\p{Cs}]/gu, ''))
const request = fc
  .dictionary(fc.stringMatching(/^[A-Za-z]{1,8}$/), fc.jsonValue({ maxDepth: 3, noUnicodeString: false }), {
    maxKeys: 6,
  })
  .map((value): Record<string, unknown> => JSON.parse(JSON.stringify(value)))
  .filter((value) => !JSON.stringify(value).includes('"__proto__"'))
const expires = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())

const theirs = fc
  .record(
    {
      realm: text,
      method: name,
      intent: name,
      request,
      description: text,
      digest: fc.base64String().map((value) => `sha-256=${value}`),
      expires,
      header: fc.constantFrom('Authorization', 'Payment-Authorization', 'payment-authorization'),
      meta: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), text, { maxKeys: 3 }),
    },
    { requiredKeys: ['realm', 'method', 'intent', 'request'] },
  )
  .map((parameters) => Challenge.from({ ...parameters, secretKey }))

const payload = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.string({ maxLength: 40 }), { maxKeys: 4 })

describe('challenges of the reference server', () => {
  it('are parsed as by the reference', () => {
    fc.assert(
      fc.property(theirs, (challenge) => {
        const header = Challenge.serialize(challenge)
        const ours = only(header)
        const back = Challenge.deserialize(header)
        expect(ours.kind).toBe(`${back.method}/${back.intent}`)
        expect([ours.id, ours.realm, ours.digest]).toEqual([back.id, back.realm, back.digest])
        expect(ours.request).toEqual(back.request)
        expect(ours.expires).toBe(back.expires === undefined ? undefined : Date.parse(back.expires))
        expect(ours.echo.params['description']).toBe(back.description)
        expect(ours.echo.params['opaque']).toBe(back.opaque)
        expect(ours.echo.header).toBe(Challenge.credentialHeader(back).toLowerCase())
      }),
    )
  })

  it('are separated in one line as by the reference', () => {
    fc.assert(
      fc.property(fc.array(theirs, { minLength: 1, maxLength: 5 }), (challenges) => {
        const header = [
          'Basic realm="x, Payment id=\\"y\\""',
          ...challenges.map((each) => Challenge.serialize(each)),
        ].join(', ')
        const { challenges: ours, rejected } = parseChallenges(header)
        expect(rejected).toEqual([])
        expect(ours.map(({ id }) => id)).toEqual(Challenge.deserializeList(header).map(({ id }) => id))
      }),
      { numRuns: 50 },
    )
  })

  it('survive a Headers object', () => {
    const challenge = Challenge.from({ ...FIXED, realm: 'caf\u00e9 \u2014 \u{1f375}', secretKey })
    const headers = new Headers({ 'WWW-Authenticate': Challenge.serialize(challenge) })
    expect(only(headers.get('www-authenticate') ?? '').realm).toBe('caf\u00e9 \u2014 \u{1f375}')
  })
})

describe('credentials for the reference server', () => {
  it('equal those of its own client, and keep the bound id', () => {
    fc.assert(
      fc.property(
        theirs,
        payload,
        fc.option(
          text.filter((source) => source !== ''),
          { nil: undefined },
        ),
        (challenge, proof, source) => {
          const ours: Ours = {
            challenge: only(Challenge.serialize(challenge)),
            payload: proof,
            ...(source !== undefined && { source }),
          }
          const { header, value } = encodeCredential(ours)
          const read = Credential.deserialize(value)
          const reference = Credential.deserialize(
            Credential.serialize({ challenge, payload: proof, ...(source !== undefined && { source }) }),
          )
          expect(read).toEqual(reference)
          expect(Challenge.verify(read.challenge, { secretKey })).toBe(true)
          expect(header).toBe(Challenge.credentialHeader(challenge).toLowerCase())
        },
      ),
    )
  })

  it('are found in a request by the field the challenge names', () => {
    for (const field of ['Authorization', 'Payment-Authorization']) {
      const challenge = only(Challenge.serialize(Challenge.from({ ...FIXED, header: field, secretKey })))
      const { header, value } = encodeCredential({ challenge, payload: { type: 'proof' } })
      const sent = new Request('https://api.example.com', { headers: { [header]: value } })
      const read = Credential.fromRequest(sent, { header: field })
      expect(read.payload).toEqual({ type: 'proof' })
      expect(Challenge.verify(read.challenge, { secretKey })).toBe(true)
    }
  })

  it('lose the bound id if a server replaces the request', () => {
    const challenge = only(Challenge.serialize(Challenge.from({ ...FIXED, secretKey })))
    const other = only(
      Challenge.serialize(
        Challenge.from({ ...FIXED, request: { ...FIXED.request, amount: '1' }, secretKey }),
      ),
    )
    const echo = {
      ...challenge.echo,
      params: { ...challenge.echo.params, request: other.echo.params['request'] ?? '' },
    }
    const { value } = encodeCredential({ challenge: { ...challenge, echo }, payload: {} })
    expect(Challenge.verify(Credential.deserialize(value).challenge, { secretKey })).toBe(false)
  })
})

describe('receipts of the reference server', () => {
  it('are parsed as by the reference', () => {
    const receipt = fc.record(
      {
        method: name,
        reference: fc.stringMatching(/^0x[0-9a-f]{64}$/),
        timestamp: expires,
        externalId: name,
        units: fc.nat(),
      },
      { requiredKeys: ['method', 'reference', 'timestamp'] },
    )
    fc.assert(
      fc.property(receipt, (claims) => {
        const header = Receipt.serialize(Receipt.from({ ...claims, status: 'success' }))
        const { method, reference, timestamp, externalId } = Receipt.deserialize(header)
        const ours = parseReceipt(header)
        expect(ours).toMatchObject({ success: true, method, reference, timestamp })
        expect(ours?.externalId).toBe(externalId)
        expect(ours?.claims).toEqual(Receipt.deserialize(header))
      }),
    )
  })
})

describe('Accept-Payment', () => {
  const part = fc.constantFrom('tempo', 'stripe', 'evm', '*')
  const intent = fc.constantFrom('charge', 'session', '*')
  const preference = fc.record({
    kind: fc.tuple(part, intent).map(([a, b]): PaymentRange => `${a}/${b}`),
    q: fc.integer({ min: 0, max: 1000 }),
  })

  it('is parsed as it was written, with the same preference for every kind', () => {
    fc.assert(
      fc.property(fc.array(preference, { minLength: 1, maxLength: 6 }), (entries) => {
        const preferences = entries.map(({ kind, q }) => ({ kind, q: q / 1000 }))
        const read = parseAcceptPayment(formatAcceptPayment(preferences)) ?? []
        expect(read.map(({ kind, q = 1 }) => ({ kind, q }))).toEqual(preferences)
        const kinds: readonly OfferKind[] = [
          'tempo/charge',
          'tempo/session',
          'stripe/charge',
          'evm/charge',
          'x402/exact',
        ]
        for (const kind of kinds) expect(acceptQuality(read, kind)).toBe(acceptQuality(preferences, kind))
      }),
    )
  })
})

describe('problems', () => {
  it.each([
    new Errors.MalformedCredentialError(),
    new Errors.InvalidChallengeError(),
    new Errors.VerificationFailedError(),
    new Errors.InternalPaymentError(),
    new Errors.PaymentActionRequiredError(),
    new Errors.PaymentExpiredError(),
    new Errors.PaymentRequiredError(),
    new Errors.InvalidPayloadError(),
    new Errors.BadRequestError(),
    new Errors.PaymentInsufficientError(),
    new Errors.PaymentMethodUnsupportedError(),
    new Errors.InsufficientBalanceError(),
    new Errors.InvalidSignatureError(),
    new Errors.SignerMismatchError(),
    new Errors.AmountExceedsDepositError(),
    new Errors.DeltaTooSmallError(),
    new Errors.ChannelNotFoundError(),
    new Errors.ChannelClosedError(),
  ])('$type is known, and read', (error) => {
    const body = error.toProblemDetails('challenge-1')
    expect(new Set<string>(Object.values(PROBLEMS))).toContain(error.type)
    expect(parseProblem(JSON.stringify(body))).toMatchObject({
      type: error.type,
      title: error.title,
      status: error.status,
      challengeId: 'challenge-1',
    })
  })
})
