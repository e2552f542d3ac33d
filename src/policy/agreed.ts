import { type Amount, amount } from '../money/index.js'
import type { Terms } from './types.js'

/**
 * Returns a settled amount in the currency of the terms. The payment counts by the decimals and the rate of its
 * authorization, even if another process or a later start uses other ones.
 */
export function asAgreed(moved: Amount, { most, fee, locks }: Terms): Amount {
  const { id } = moved.currency
  const agreed = [most, fee?.bound, locks].find((known) => known?.currency.id === id)
  return agreed === undefined ? moved : amount(moved.value, agreed.currency)
}
