import { clean } from '../../errors/index.js'
import { own } from '../../util/objects.js'
import { asBase64url } from '../base64url.js'
import { decodeJsonObject, JSON_LIMITS } from '../json.js'
import { ProtocolError } from '../protocol-error.js'
import type { JsonObject, Problem, Receipt } from '../types.js'
import { textAt, wordsAt } from './fields.js'
import { x402Network } from './networks.js'

/** The length limit of an encoded settlement, in characters. */
const MAX_RESPONSE = 64 * 1024
/** The prefix of x402 problem types: x402 has codes, not URIs. */
const BASE = 'x402:'
const CODE = /^[a-z0-9][a-z0-9_.-]{0,99}$/i

/**
 * Parses the settlement in a `PAYMENT-RESPONSE` (version 2) or `X-PAYMENT-RESPONSE` header (version 1) as a receipt.
 * Reading is lenient, because money may have moved. A failed settlement is a receipt without success; {@link
 * settlementProblem} gives its reason.
 *
 * @returns Undefined if the header cannot be read.
 * @example
 * ```ts
 * const receipt = parsePaymentResponse(response.headers.get('payment-response') ?? '')
 * ```
 */
export function parsePaymentResponse(header: string): Receipt | undefined {
  if (header.length > MAX_RESPONSE) return undefined
  try {
    return x402ReceiptOf(decodeJsonObject(asBase64url(header), JSON_LIMITS))
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function x402ReceiptOf(claims: JsonObject): Receipt {
  const reference = wordsAt(claims, 'transaction')
  const said = textAt(claims, 'network')
  return Object.freeze(
    own({
      success: claims['success'] === true,
      method: 'x402',
      ...(reference !== undefined && { reference }),
      ...(said !== undefined && { network: x402Network(said) ?? clean(said) }),
      claims,
    }),
  )
}

/**
 * Returns the reason of a failed settlement as a problem. Its type is `x402:` and the server's code, such as
 * `x402:settlement_pending`. It is a claim, not a proof: a pending or failed settlement may still move money.
 */
export function settlementProblem({ success, method, claims }: Receipt): Problem | undefined {
  if (success || method !== 'x402') return undefined
  const detail = wordsAt(claims, 'errorMessage')
  return own({ ...x402Problem(textAt(claims, 'errorReason') ?? ''), ...(detail !== undefined && { detail }) })
}

/** Converts an x402 server's error, a code or free text, to a problem. */
export function x402Problem(error: string): Problem {
  if (CODE.test(error)) return own({ type: `${BASE}${error}` })
  const detail = clean(error)
  return own({ type: 'about:blank', ...(detail !== '' && { detail }) })
}
