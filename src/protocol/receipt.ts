import { clean } from '../errors/index.js'
import { own } from '../util/objects.js'
import { asBase64url } from './base64url.js'
import { decodeJsonObject, JSON_LIMITS } from './json.js'
import { ProtocolError } from './protocol-error.js'
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
  try {
    return receiptOf(decodeJsonObject(asBase64url(header), JSON_LIMITS))
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** Converts a receipt that came as JSON, for transports without headers. */
export function receiptOf(claims: JsonObject): Receipt {
  const method = said(claims, 'method')
  const reference = said(claims, 'reference')
  const challengeId = said(claims, 'challengeId')
  const timestamp = said(claims, 'timestamp')
  const externalId = said(claims, 'externalId')
  return Object.freeze(
    own({
      success: claims['status'] === 'success',
      ...(method !== undefined && { method }),
      ...(reference !== undefined && { reference }),
      ...(challengeId !== undefined && { challengeId }),
      ...(timestamp !== undefined && { timestamp }),
      ...(externalId !== undefined && { externalId }),
      claims,
    }),
  )
}

function said(claims: JsonObject, name: string): string | undefined {
  const value = claims[name]
  return typeof value === 'string' ? clean(value) : undefined
}
