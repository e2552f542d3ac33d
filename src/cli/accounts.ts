import type { Payment } from '../index.js'
import { amount, count, type Units } from '../money/index.js'
import { unitOf } from './payment-facts.js'

/** A payment in the unit of its policy: the parts that its budgets count. */
export interface Accounted {
  readonly unit: string
  /** The price that was paid. */
  readonly price: Units
  /** The rest: the fee, or its bound while it is not known, and fees of attempts that failed. */
  readonly fees: Units
  /** The amount that is held for a payment whose outcome is not known. */
  readonly open: Units
  /** The number of payments that it counts for in budgets of payments. */
  readonly payments: 0 | 1
}

/** Divides the amount that a payment counts for. The parts add up to `payment.units`. */
export function accounted(payment: Payment): Accounted {
  const { state, units } = payment
  const unit = unitOf(payment)
  if (state === 'settled') {
    const price = least(paidUnits(payment, unit), units)
    return { unit, price, fees: units - price, open: 0n, payments: 1 }
  }
  if (state === 'held' || state === 'committed')
    return { unit, price: 0n, fees: 0n, open: units, payments: countsAsOne(payment) }
  return { unit, price: 0n, fees: units, open: 0n, payments: 0 }
}

/** A payment that waits for a person counts on no budget until it is approved. */
function countsAsOne({ unit }: Payment): 0 | 1 {
  return unit === '' ? 0 : 1
}

/** Returns the paid price at the rate of its authorization. */
function paidUnits({ spent, terms, units }: Payment, unit: string): Units {
  const { most } = terms
  const agreed =
    spent === undefined || spent.currency.id !== most.currency.id
      ? (spent ?? most)
      : amount(spent.value, most.currency)
  return count(agreed, unit) ?? units
}

function least(a: Units, b: Units): Units {
  return a < b ? a : b
}
