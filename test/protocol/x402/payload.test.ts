import { decodePaymentSignatureHeader } from '@x402/core/http'
import { isPaymentPayload } from '@x402/core/schemas'
import { parseSIWxHeader } from '@x402/extensions/sign-in-with-x'
import { describe, expect, it } from 'vitest'
import { encodeCredential, parsePaymentRequiredBody } from '../../../src/protocol/index.js'
import { decoded, ENTRY, ENTRY_V1, HOST, INFO, offer, RESOURCE, read, SIGN_IN } from './documents.js'

const PAYLOAD = { signature: '0x5160', authorization: { from: '0x742d', value: '10000' } }

describe('a payment of version 2', () => {
  it('goes into PAYMENT-SIGNATURE, with the received fields unchanged', () => {
    const extensions = { bazaar: { schema: { z: 1, a: [null] } } }
    const entry = { zebra: 1, ...ENTRY, extra: { version: '2', name: 'USDC', n: null } }
    const { header, value } = encodeCredential({ challenge: offer(entry, { extensions }), payload: PAYLOAD })
    expect(header).toBe('payment-signature')
    expect(value).toMatch(/^[A-Za-z0-9+/]+={0,2}$/)
    expect(value.length % 4).toBe(0)
    const message = { x402Version: 2, resource: RESOURCE, accepted: entry, payload: PAYLOAD, extensions }
    expect(JSON.stringify(decoded(value))).toBe(JSON.stringify(message))
  })

  it('can be read by the reference SDK', () => {
    const { value } = encodeCredential({ challenge: offer(), payload: PAYLOAD })
    const message = decodePaymentSignatureHeader(value)
    expect(isPaymentPayload(message)).toBe(true)
    expect(message.accepted).toEqual(ENTRY)
  })

  it('omits absent fields', () => {
    const challenge = offer(ENTRY, { resource: null, extensions: null })
    expect(Object.keys(decoded(encodeCredential({ challenge, payload: PAYLOAD }).value))).toEqual([
      'x402Version',
      'accepted',
      'payload',
    ])
  })

  it('carries the extensions of the wallet instead of the offered ones', () => {
    const challenge = offer(ENTRY, { extensions: { 'payment-identifier': { info: { required: true } } } })
    const extensions = { 'payment-identifier': { info: { required: true, id: 'pay_0123456789abcdef' } } }
    expect(decoded(encodeCredential({ challenge, payload: PAYLOAD, extensions }).value)).toMatchObject({
      extensions,
    })
  })

  it('carries text beyond ASCII', () => {
    const entry = { ...ENTRY, extra: { name: 'caf\u00e9 \u{1f375}', version: '2' } }
    expect(decoded(encodeCredential({ challenge: offer(entry), payload: PAYLOAD }).value)).toMatchObject({
      accepted: entry,
    })
  })
})

describe('a payment of version 1', () => {
  it('goes into X-PAYMENT, and names only scheme and network', () => {
    const body = JSON.stringify({ x402Version: 1, accepts: [ENTRY_V1] })
    const [challenge] = parsePaymentRequiredBody(body, HOST).challenges
    if (challenge === undefined) throw new Error('no offer')
    const { header, value } = encodeCredential({ challenge, payload: PAYLOAD, extensions: { a: {} } })
    expect(header).toBe('x-payment')
    const message = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: PAYLOAD }
    expect(decoded(value)).toEqual(message)
    expect(isPaymentPayload(decodePaymentSignatureHeader(value))).toBe(true)
  })
})

describe('a sign-in', () => {
  const PROOF = { address: '0x742d', chainId: 'eip155:84532', type: 'eip191', signature: '0x5160' }

  it('goes into SIGN-IN-WITH-X: the requested fields, and the proof', () => {
    const [, challenge] = read({ extensions: { 'sign-in-with-x': SIGN_IN } }).challenges
    if (challenge === undefined) throw new Error('no sign-in')
    const { header, value } = encodeCredential({ challenge, payload: PROOF })
    expect(header).toBe('sign-in-with-x')
    expect(decoded(value)).toEqual({ ...INFO, ...PROOF })
    expect(parseSIWxHeader(value)).toEqual({ ...INFO, ...PROOF })
  })
})
