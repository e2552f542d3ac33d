import type { PaymentError, Reason } from '../errors/index.js'
import type { RefusalProblem } from '../pay/index.js'

/** A refusal as RFC 9457: what an agent reads to learn what it asked, what it may have, and when. */
export function problemOf(error: PaymentError): RefusalProblem {
  return {
    type: error.docs,
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
