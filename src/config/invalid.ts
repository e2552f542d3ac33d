import { PaymentError } from '../errors/index.js'

/** Creates the error for settings that `purser/auto` cannot use. */
export function invalid(message: string): PaymentError {
  return new PaymentError('invalid_config', 'untouched', message)
}
