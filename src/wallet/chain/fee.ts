import { count, formatAmount, formatUnits } from '../../money/index.js'
import type { Terms } from '../../policy/index.js'
import type { QuoteContext, Unpayable } from '../index.js'

/** Returns a reason if the fee of the terms may exceed the policy's limit for a fee. */
export function overFee(
  terms: Pick<Terms, 'fee'>,
  { bounds }: Pick<QuoteContext, 'bounds'>,
): Unpayable | undefined {
  if (terms.fee === undefined || bounds.maxFee === undefined) return undefined
  const units = count(terms.fee.bound, bounds.unit)
  if (units === undefined || units <= bounds.maxFee) return undefined
  const most = formatUnits(bounds.maxFee, bounds.unit.slice(bounds.unit.indexOf(':') + 1))
  return {
    unpayable: `The fee may cost up to ${formatAmount(terms.fee.bound)}, and at most ${most} is allowed`,
    code: 'refused',
  }
}
