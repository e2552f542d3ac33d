export {
  type Amount,
  add,
  amount,
  compare,
  formatAmount,
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
  token,
} from './currency.js'
export { count, formatUnits, type Instant, parseUnits, UNIT_DECIMALS, type Units } from './units.js'
