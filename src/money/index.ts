export {
  type Amount,
  add,
  amount,
  compare,
  formatAmount,
  formatDecimal,
  parseAmount,
  subtract,
  zero,
} from './amount.js'
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
export { areRates, type Rates, withRates } from './rates.js'
export {
  count,
  formatUnits,
  type Instant,
  parseUnits,
  partsWithin,
  UNIT_DECIMALS,
  type Units,
} from './units.js'
