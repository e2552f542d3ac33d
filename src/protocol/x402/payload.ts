import { encodeBase64 } from '../base64url.js'
import type { Credential, X402Echo } from '../types.js'

/** The request headers of an x402 payment: of version 2 and of version 1. */
export type X402Header = 'payment-signature' | 'x-payment'

const utf8 = new TextEncoder()

/** Encodes an x402 payment as its request header: JSON in standard base64 with padding. */
export function encodePaymentPayload(
  { payload, extensions }: Pick<Credential, 'payload' | 'extensions'>,
  echo: X402Echo,
): { readonly header: X402Header; readonly value: string } {
  const { accepted, resource, version } = echo
  const back = extensions ?? echo.extensions
  const message =
    version === 1
      ? { x402Version: 1, scheme: accepted['scheme'], network: accepted['network'], payload }
      : {
          x402Version: 2,
          ...(resource === undefined ? {} : { resource }),
          accepted,
          payload,
          ...(back === undefined ? {} : { extensions: back }),
        }
  const header = version === 1 ? 'x-payment' : 'payment-signature'
  return { header, value: encodeBase64(utf8.encode(JSON.stringify(message))) }
}
