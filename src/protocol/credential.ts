import { encodeBase64url } from './base64url.js'
import type { Credential, MppEcho } from './types.js'
import { encodePaymentPayload, type X402Header } from './x402/payload.js'
import { encodeSignIn } from './x402/sign-in.js'

/** A request header that carries a credential. Its value is a bearer secret. */
export interface CredentialHeader {
  readonly header: MppEcho['header'] | X402Header | 'sign-in-with-x'
  readonly value: string
}

const utf8 = new TextEncoder()

/**
 * Encodes a credential as a request header, in the envelope of its challenge.
 *
 * The `Payment` scheme (draft-httpauth-payment, section 5.2) takes base64url without padding. The challenge's
 * parameters are returned exactly as received, with `request` and `opaque` undecoded, because the server's id is bound
 * to them byte for byte. x402 takes base64 with padding; the chosen entry and the data around it are returned as
 * received.
 *
 * @example
 * ```ts
 * const { header, value } = encodeCredential({ challenge, payload: { type: 'transaction', signature: '0x76…' } })
 * headers.set(header, value)
 * ```
 */
export function encodeCredential(credential: Credential): CredentialHeader {
  const { challenge, payload, source } = credential
  const { echo } = challenge
  if (echo.envelope === 'x402') return encodePaymentPayload(credential, echo)
  if (echo.envelope === 'sign-in') return encodeSignIn(payload, echo)
  const { params, header } = echo
  const json = JSON.stringify({ challenge: params, payload, source })
  return { header, value: `Payment ${encodeBase64url(utf8.encode(json))}` }
}
