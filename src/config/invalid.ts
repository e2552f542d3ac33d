import { PaymentError } from '../errors/index.js'

/** The error for what the environment says and `purser/auto` cannot do. */
export function invalid(message: string): PaymentError {
  return new PaymentError('invalid_config', 'untouched', message)
}
