import { describe, expect, it } from 'vitest'
import { encodeCredential } from '../../src/protocol/index.js'
import { encode, only, payment } from './headers.js'

function decode(value: string): unknown {
  const [, scheme, encoded = ''] = /^(\S+) (\S+)$/.exec(value) ?? []
  expect(scheme).toBe('Payment')
  expect(encoded).toMatch(/^[A-Za-z0-9_-]+$/)
  return JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'))
}

describe('a credential', () => {
  it('goes into Authorization, with the challenge as it came', () => {
    const challenge = only(payment({ foo: 'dropped' }))
    const { header, value } = encodeCredential({ challenge, payload: { type: 'proof', signature: '0x12' } })
    expect(header).toBe('authorization')
    expect(decode(value)).toEqual({
      challenge: { ...challenge.echo.params },
      payload: { type: 'proof', signature: '0x12' },
    })
  })

  it('names its payer if there is one', () => {
    const source = 'did:pkh:eip155:4217:0x742d35Cc6634C0532925a3b844Bc9e7595f8fE00'
    const { value } = encodeCredential({ challenge: only(payment()), payload: {}, source })
    expect(decode(value)).toMatchObject({ source })
  })

  it('goes into Payment-Authorization if the challenge asks for it', () => {
    const challenge = only(payment({ header: 'PAYMENT-authorization' }))
    const { header, value } = encodeCredential({ challenge, payload: {} })
    expect(header).toBe('payment-authorization')
    // The server's id is bound to the name as it was spelled.
    expect(decode(value)).toMatchObject({ challenge: { header: 'PAYMENT-authorization' } })
  })

  it('returns request and opaque byte for byte, canonical or not', () => {
    const request = encode('{"b" :1e0,"a":"\\u00e9"}')
    const opaque = 'not!even=base64'
    const { value } = encodeCredential({ challenge: only(payment({ request, opaque })), payload: {} })
    expect(decode(value)).toMatchObject({ challenge: { request, opaque } })
  })

  it('carries text beyond ASCII', () => {
    const challenge = only(payment({ realm: 'caf\u00e9 \\u2014 \\ud83c\\udf75' }))
    const { value } = encodeCredential({ challenge, payload: { note: '\u20ac' } })
    expect(decode(value)).toMatchObject({
      challenge: { realm: 'caf\u00e9 \u2014 \u{1f375}' },
      payload: { note: '\u20ac' },
    })
  })
})
