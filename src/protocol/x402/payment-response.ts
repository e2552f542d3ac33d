import { clean, own } from '../../errors/index.js'
import { asBase64url } from '../base64url.js'
import { decodeJsonObject, JSON_LIMITS } from '../json.js'
import { ProtocolError } from '../protocol-error.js'
import type { JsonObject, Problem, Receipt } from '../types.js'
import { textAt, wordsAt } from './fields.js'
import { x402Network } from './networks.js'

/** An encoded settlement. */
const MAX_RESPONSE = 64 * 1024
/** Where the problems of x402 begin: it has codes and no URIs. */
const BASE = 'x402:'
const CODE = /^[a-z0-9][a-z0-9_.-]{0,99}$/i

/**
 * The settlement in a `PAYMENT-RESPONSE` (version 2) or `X-PAYMENT-RESPONSE` header (version 1) as a receipt; undefined
 * if it cannot be read. Read as kindly as any receipt: money may have moved. A failed settlement is a receipt without
 * success, and says why in {@link settlementProblem}.
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
 * Why a settlement failed, as a problem: its type is `x402:` and the server's code, `x402:settlement_pending`. It is a
 * word and no proof: what is pending may still move money, and so may what failed.
 */
export function settlementProblem({ success, method, claims }: Receipt): Problem | undefined {
  if (success || method !== 'x402') return undefined
  const detail = wordsAt(claims, 'errorMessage')
  return own({ ...x402Problem(textAt(claims, 'errorReason') ?? ''), ...(detail !== undefined && { detail }) })
}

/** What an x402 server says is wrong, a code or any words, as a problem. */
export function x402Problem(error: string): Problem {
  if (CODE.test(error)) return own({ type: `${BASE}${error}` })
  const detail = clean(error)
  return own({ type: 'about:blank', ...(detail !== '' && { detail }) })
}
