import { type Amount, amount } from '../money/index.js'
import type { Terms } from './types.js'

/**
 * What moved, in the currency as the terms have it: it counts by the decimals and at the rate that it was authorized
 * with, whatever they are by now or in another process.
 */
export function asAgreed(moved: Amount, { most, fee, locks }: Terms): Amount {
  const { id } = moved.currency
  const agreed = [most, fee?.bound, locks].find((known) => known?.currency.id === id)
  return agreed === undefined ? moved : amount(moved.value, agreed.currency)
}
