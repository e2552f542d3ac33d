import { clean, fundsOf, type Reason } from '../../errors/index.js'
import type { Payment } from '../../index.js'
import { formatAmount } from '../../money/index.js'

/** Returns a time in the form that a model reads. */
export function timeOf(instant: number): string {
  return new Date(instant).toISOString()
}

/**
 * Returns the reasons of a decision as data: the amount that was requested, the amount that is left, and the time of
 * the reset.
 */
export function reasonsOf(reasons: readonly Reason[]) {
  return reasons.map(({ rule, message, limit, asked, remaining, resetsAt }) => ({
    rule,
    message,
    limit,
    asked,
    left: remaining,
    resets: resetsAt === undefined ? undefined : timeOf(resetsAt),
  }))
}

/** Returns a payment as tools show it: without challenge ids, evidence and fingerprints. */
export function paymentFacts(payment: Payment) {
  const { id, createdAt, state, resource, terms, spent, fee, delivered, approvedBy, reference, reason } =
    payment
  return {
    id,
    at: timeOf(createdAt),
    state,
    funds: fundsOf(payment),
    vendor: resource.vendor,
    operation: clean(resource.operation),
    price: formatAmount(spent ?? terms.most),
    fee: fee === undefined ? undefined : formatAmount(fee),
    delivered,
    approvedBy: approvedBy === undefined ? undefined : clean(approvedBy, 100),
    reference: reference === undefined ? undefined : clean(reference),
    reason: reason === undefined ? undefined : clean(reason),
  }
}
