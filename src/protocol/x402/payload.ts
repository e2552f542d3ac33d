import { encodeBase64 } from '../base64url.js'
import type { Credential, X402Echo } from '../types.js'

/** The request headers of an x402 payment: of version 2 and of version 1. */
export type X402Header = 'payment-signature' | 'x-payment'

const utf8 = new TextEncoder()

/** Encodes an x402 payment as its request header: JSON in standard base64 with padding. */
export function encodePaymentPayload(
  credential: Pick<Credential, 'payload' | 'extensions'>,
  echo: X402Echo,
): { readonly header: X402Header; readonly value: string } {
  const header = echo.version === 1 ? 'x-payment' : 'payment-signature'
  const message = paymentPayloadObject(credential, echo)
  return { header, value: encodeBase64(utf8.encode(JSON.stringify(message))) }
}

/** Makes an x402 payment as an object, for transports without headers. */
export function paymentPayloadObject(
  { payload, extensions }: Pick<Credential, 'payload' | 'extensions'>,
  { accepted, resource, version, extensions: offered }: X402Echo,
): object {
  if (version === 1)
    return { x402Version: 1, scheme: accepted['scheme'], network: accepted['network'], payload }
  const back = extensions ?? offered
  return {
    x402Version: 2,
    ...(resource === undefined ? {} : { resource }),
    accepted,
    payload,
    ...(back === undefined ? {} : { extensions: back }),
  }
}
