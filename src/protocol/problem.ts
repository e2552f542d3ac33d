import { defined } from '../util/objects.js'
import { cleanTextAt, parseJsonObject, readLeniently } from './json.js'
import type { JsonObject, Problem } from './types.js'

const BASE = 'https://paymentauth.org/problems/'

/** The problem types of MPP servers: those of the core draft, of the session drafts, and of the reference SDK. */
export const PROBLEMS = Object.freeze({
  paymentRequired: `${BASE}payment-required`,
  paymentInsufficient: `${BASE}payment-insufficient`,
  paymentExpired: `${BASE}payment-expired`,
  verificationFailed: `${BASE}verification-failed`,
  methodUnsupported: `${BASE}method-unsupported`,
  malformedCredential: `${BASE}malformed-credential`,
  invalidChallenge: `${BASE}invalid-challenge`,
  invalidPayload: `${BASE}invalid-payload`,
  badRequest: `${BASE}bad-request`,
  paymentActionRequired: `${BASE}payment-action-required`,
  internalPaymentError: `${BASE}internal-payment-error`,
  sessionAmountExceedsDeposit: `${BASE}session/amount-exceeds-deposit`,
  sessionChallengeNotFound: `${BASE}session/challenge-not-found`,
  sessionChannelFinalized: `${BASE}session/channel-finalized`,
  sessionChannelNotFound: `${BASE}session/channel-not-found`,
  sessionDeltaTooSmall: `${BASE}session/delta-too-small`,
  sessionInsufficientBalance: `${BASE}session/insufficient-balance`,
  sessionInvalidSignature: `${BASE}session/invalid-signature`,
  sessionSignerMismatch: `${BASE}session/signer-mismatch`,
  sessionTransactionReverted: `${BASE}session/transaction-reverted`,
} as const)

/**
 * Parses a body as an RFC 9457 problem, whether or not its content type says so. Texts are cleaned. A problem without a
 * `type` needs a `title` or a `detail`, and gets the type `about:blank` (RFC 9457, section 3.1.1).
 *
 * @returns Undefined if the body is not a problem.
 * @example
 * ```ts
 * const problem = parseProblem(await response.text())
 * if (problem) console.log(problem.title, problem.detail)
 * ```
 */
export function parseProblem(text: string): Problem | undefined {
  return readLeniently(() => toProblem(parseJsonObject(text)))
}

/** Converts a problem that came as JSON, for transports without bodies. */
export function toProblem(body: JsonObject): Problem | undefined {
  const title = cleanTextAt(body, 'title')
  const detail = cleanTextAt(body, 'detail')
  const type =
    cleanTextAt(body, 'type') ?? (title === undefined && detail === undefined ? undefined : 'about:blank')
  if (type === undefined) return undefined
  const { status } = body
  return Object.freeze(
    defined({
      type,
      title,
      detail,
      status: isStatus(status) ? status : undefined,
      challengeId: cleanTextAt(body, 'challengeId'),
    }),
  )
}

function isStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 100 && value <= 599
}
