import type { PaymentError, Reason } from '../errors/index.js'
import type { RefusalProblem } from '../pay/index.js'

/**
 * Names the types of Purser's problems. A UUID needs no registry and no domain: nobody can come to own it, and it leads
 * nowhere, so nobody can put a page there (RFC 9562, section 4; RFC 9457, section 3.1.1).
 */
const PROBLEM_TYPE = 'urn:uuid:3188016e-4bfb-43a7-b1eb-e8d9ae90bd99#'

/** A refusal as RFC 9457: what an agent reads to learn what it asked, what it may have, and when. */
export function problemOf(error: PaymentError): RefusalProblem {
  return {
    type: `${PROBLEM_TYPE}${error.code}`,
    title: 'Payment refused',
    status: 402,
    detail: error.message,
    message: error.message,
    error: { message: error.message, type: 'payment_refused', code: error.code },
    code: error.code,
    funds: error.funds,
    reasons: error.reasons.map(asJson),
    ...(error.paymentId === undefined ? {} : { payment: error.paymentId }),
    ...(error.retryAt === undefined ? {} : { retryAt: new Date(error.retryAt).toISOString() }),
  }
}

function asJson({ resetsAt, ...reason }: Reason) {
  return resetsAt === undefined ? reason : { ...reason, resetsAt: new Date(resetsAt).toISOString() }
}
