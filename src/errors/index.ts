export { clean } from './clean.js'
export { fundsOf } from './funds.js'
export { checkFunctions, closestName, type Names, oneOf, ownOptions, suggestion } from './names.js'
export {
  ERROR_CODES,
  type ErrorCode,
  type Funds,
  findPaymentError,
  isPaymentError,
  type NextAction,
  PaymentError,
  type PaymentErrorDetails,
  PaymentRefusedError,
  type Reason,
  type Rejection,
} from './payment-error.js'
