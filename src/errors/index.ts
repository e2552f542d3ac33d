export { clean } from './clean.js'
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
} from './payment-error.js'
