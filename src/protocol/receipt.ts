import { defined } from '../util/objects.js'
import { asBase64url } from './base64url.js'
import { cleanTextAt, decodeJsonObject, readLeniently } from './json.js'
import type { JsonObject, Receipt } from './types.js'

/** The length limit of an encoded receipt, in characters. HTTP stacks accept about 16 KiB of headers in all. */
const MAX_RECEIPT = 64 * 1024

/**
 * Parses a `Payment-Receipt` header (draft-httpauth-payment, section 5.3).
 *
 * Reading is more lenient than for a challenge: the money has moved, so padding or the other base64 alphabet is no
 * reason to lose the server's statement. `claims` holds the whole statement, uncleaned.
 *
 * @returns Undefined if the header cannot be read.
 * @example
 * ```ts
 * const receipt = parseReceipt(response.headers.get('payment-receipt') ?? '')
 * if (receipt?.success) console.log(receipt.reference)
 * ```
 */
export function parseReceipt(header: string): Receipt | undefined {
  if (header.length > MAX_RECEIPT) return undefined
  return readLeniently(() => receiptOf(decodeJsonObject(asBase64url(header))))
}

/**
 * Reads a receipt that the server sent as JSON, for example in an event stream.
 *
 * @param claims - The server's statement.
 * @example
 * ```ts
 * const { success, reference } = receiptOf({ status: 'success', reference: '0x01' })
 * ```
 */
export function receiptOf(claims: JsonObject): Receipt {
  const said = (name: string): string | undefined => cleanTextAt(claims, name)
  return Object.freeze(
    defined({
      success: claims['status'] === 'success',
      method: said('method'),
      reference: said('reference'),
      challengeId: said('challengeId'),
      timestamp: said('timestamp'),
      externalId: said('externalId'),
      claims,
    }),
  )
}
