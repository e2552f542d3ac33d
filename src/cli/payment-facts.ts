import type { Payment } from '../index.js'
import { amountFact, symbolOfUnit, timeFact, unitsFact } from './facts.js'
import type { JsonOf } from './schemas.js'

/** One payment, as `purser payments --json` prints it. */
export type PaymentFact = JsonOf<'payments'>

/** Returns the state of a payment for scripts. */
export function stateOf(
  payment: Pick<Payment, 'state' | 'live' | 'effect' | 'approvedBy' | 'delivered'>,
): PaymentFact['state'] {
  const { state, live, effect, approvedBy, delivered } = payment
  switch (state) {
    case 'denied':
      return 'refused'
    case 'held':
      // The question stays in the ledger if the process that asked it has ended.
      if (effect === 'ask' && approvedBy === undefined) return 'waiting'
      return live ? 'progress' : 'held'
    case 'committed':
      return live ? 'progress' : 'doubt'
    case 'settled':
      return delivered ? 'settled' : 'undelivered'
    case 'released':
      return 'released'
  }
}

/** Returns the unit in which budgets count a payment. One that waits for a person counts on no budget yet. */
export function unitOf({ unit, terms }: Pick<Payment, 'unit' | 'terms'>): string {
  const { id, peg, rate } = terms.most.currency
  return unit === '' ? (peg ?? rate?.unit ?? id) : unit
}

/** Returns a payment for JSON. */
export function paymentFact(payment: Payment): PaymentFact {
  const { id, context, resource, terms, spent, fee, proof, reference, reason, times, approvedBy } = payment
  const { tool } = context
  return {
    id,
    created: timeFact(payment.createdAt),
    updated: timeFact(payment.updatedAt),
    agent: context.agent,
    tasks: [...context.tasks],
    ...given({ tool }),
    vendor: resource.vendor,
    operation: resource.operation,
    kind: terms.kind,
    network: terms.network,
    state: stateOf(payment),
    delivered: payment.delivered,
    price: amountFact(terms.most),
    ...given({
      paid: spent && amountFact(spent),
      fee: fee && amountFact(fee),
      feeAtMost: terms.fee && amountFact(terms.fee.bound),
      deposit: terms.locks && amountFact(terms.locks),
    }),
    counted: unitsFact(payment.units, symbolOfUnit(unitOf(payment))),
    countedAt: timeFact(payment.countedAt),
    ...given({ proof, reference, reason, times, approvedBy }),
    reasons: payment.reasons.map(reasonFact),
    ...given({ recheck: payment.recheckAt === undefined ? undefined : timeFact(payment.recheckAt) }),
  }
}

function reasonFact(reason: Payment['reasons'][number]): PaymentFact['reasons'][number] {
  const { rule, message, limit, asked, remaining, resetsAt, payment } = reason
  const resets = resetsAt === undefined ? undefined : timeFact(resetsAt)
  return { rule, message, ...given({ limit, asked, remaining, resets, payment }) }
}

type Given<T> = { readonly [Name in keyof T]?: Exclude<T[Name], undefined> }

/** Returns the fields that have a value. JSON has no others. */
export function given<T extends object>(fields: T): Given<T>
export function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
