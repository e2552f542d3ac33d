import { type Amount, count, formatDecimal } from '../money/index.js'
import { type AmountFact, unitsFact } from './facts.js'

/** The currency of a policy. */
export interface PolicyUnit {
  /** Its id: `iso4217:USD`. */
  readonly unit: string
  /** `USD` */
  readonly symbol: string
}

/** Returns a price for JSON in the policy's unit, or in its own currency if it has no value in that unit. */
export function priceFact(price: Amount, { unit, symbol }: PolicyUnit): AmountFact {
  const units = count(price, unit)
  if (units !== undefined) return unitsFact(units, symbol)
  return { value: formatDecimal(price.value, price.currency.decimals), currency: price.currency.symbol }
}

/** Returns a price for people: `0.01 USD`. */
export function priceText(price: Amount, unit: PolicyUnit): string {
  const { value, currency } = priceFact(price, unit)
  return `${value} ${currency}`
}
