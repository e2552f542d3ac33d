import { clean } from '../../errors/index.js'
import { defined, own } from '../../util/objects.js'
import { asBase64url } from '../base64url.js'
import { decodeJsonObject, readLeniently } from '../json.js'
import type { Echo, JsonObject, Problem, Receipt } from '../types.js'
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
  return readLeniently(() => x402ReceiptOf(decodeJsonObject(asBase64url(header))))
}

/** Converts a settlement that came as JSON, for transports without headers. */
export function x402ReceiptOf(claims: JsonObject): Receipt {
  const reference = wordsAt(claims, 'transaction')
  const said = textAt(claims, 'network')
  return Object.freeze(
    defined({
      success: claims['success'] === true,
      method: 'x402',
      reference,
      network: said === undefined ? undefined : (x402Network(said) ?? clean(said)),
      claims,
    }),
  )
}

/**
 * Returns the reason of a failed x402 settlement as a problem. Its type is `x402:` followed by the server's code, such
 * as `x402:settlement_pending`. It proves nothing: a pending or failed settlement may still move money.
 *
 * @returns Undefined if the receipt reports success, or is not of x402.
 * @example
 * ```ts
 * const receipt = parsePaymentResponse(response.headers.get('payment-response') ?? '')
 * const problem = receipt && settlementProblem(receipt)
 * ```
 */
export function settlementProblem({ success, method, claims }: Receipt): Problem | undefined {
  if (success || method !== 'x402') return undefined
  const problem = x402Problem(textAt(claims, 'errorReason') ?? '')
  return defined({ ...problem, detail: wordsAt(claims, 'errorMessage') ?? problem.detail })
}

/**
 * Converts the `error` of an x402 server to a problem.
 *
 * @param error - A code such as `insufficient_funds`, or a sentence.
 * @example
 * ```ts
 * x402Problem('insufficient_funds').type // 'x402:insufficient_funds'
 * ```
 */
export function x402Problem(error: string): Problem {
  if (CODE.test(error)) return own({ type: `${BASE}${error}` })
  return defined({ type: 'about:blank', detail: clean(error) || undefined })
}

/** The reasons that an answer gives for a credential that the server did not take. */
interface Rejected {
  /** The envelope of the credential. */
  readonly answers: Echo['envelope'] | 'note' | undefined
  /** A settlement that failed. */
  readonly receipt?: Receipt | undefined
  /** The `error` of an x402 demand. */
  readonly error?: string | undefined
  /** The server's problem, or its own words. */
  readonly problem?: Problem | undefined
}

/**
 * Chooses the reason for which a server did not take a credential. The protocol of the credential comes first, except that a
 * problem with a type says more than a sentence of x402.
 */
export function rejectionProblem({ answers, receipt, error, problem }: Rejected): Problem | undefined {
  const x402 =
    (receipt && settlementProblem(receipt)) ?? (error === undefined ? undefined : x402Problem(error))
  const typed = problem !== undefined && problem.type !== 'about:blank'
  if (answers !== 'x402' || (typed && x402?.type === 'about:blank')) return problem ?? x402
  return x402 ?? problem
}
