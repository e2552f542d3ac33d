import type { Approval, Remember } from '../index.js'
import { amount, count, fiat, parseDuration, parseUnits, UNIT_DECIMALS } from '../money/index.js'
import { misuse } from './misuse.js'
import type { PolicyUnit } from './price.js'

const SHAPE = /^\s*(\d+(?:\.\d+)?)(?:\s+([A-Za-z]+))?\s*,\s*(\d+)\s*(m|h|d|min|minutes?|hours?|days?)\s*$/

/**
 * Reads `--remember '10 USD, 7 days'`: further payments like this one are paid without asking, until then, and up to that
 * amount together. One of them may cost no more than this one, with its fee.
 *
 * @throws PaymentError `invalid_config` that shows the form.
 */
export function rememberFrom(text: string, { terms }: Approval, { unit, symbol }: PolicyUnit): Remember {
  const [, total, currency = symbol, length, of] = SHAPE.exec(text) ?? []
  const units = total === undefined ? undefined : parseUnits(total)
  if (units === undefined || length === undefined || of === undefined)
    throw misuse(`--remember needs a total and a time, for example '10 ${symbol}, 7 days'`)
  if (currency.toUpperCase() !== symbol)
    throw misuse(`--remember needs an amount in ${symbol}, as the policy counts`)
  const [price, fee] = [count(terms.most, unit), terms.fee === undefined ? 0n : count(terms.fee.bound, unit)]
  if (price === undefined || fee === undefined)
    throw misuse(
      'The price of this payment has no value in the currency of the policy, so it cannot be remembered',
    )
  const span = parseDuration(`${length}${of.slice(0, 1)}`)
  if (span === undefined) throw misuse('The time of --remember is too long')
  const currencyOfUnits = fiat(symbol, UNIT_DECIMALS)
  return {
    until: Date.now() + span,
    upTo: amount(price + fee, currencyOfUnits),
    total: amount(units, currencyOfUnits),
  }
}
