export {
  type Amount,
  type AmountJson,
  add,
  amount,
  compare,
  formatAmount,
  formatDecimal,
  parseAmount,
  subtract,
  zero,
} from './amount.js'
export { asJson } from './as-json.js'
export {
  CURRENCIES,
  type Currency,
  type CurrencyTable,
  currencyTable,
  fiat,
  isProductionNetwork,
  type Rate,
  token,
} from './currency.js'
export { checkDuration, DURATION_PATTERN, LONGEST_TIMER_MS, parseDuration } from './duration.js'
export { areRates, partsWithin, type Rates, withRates } from './rates.js'
export {
  count,
  formatUnits,
  type Instant,
  parseUnits,
  UNIT_DECIMALS,
  type Units,
} from './units.js'
