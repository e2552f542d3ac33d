import { PaymentError } from '../errors/index.js'

/** Creates the error for arguments that cannot be used. The command ends with code 2. */
export function misuse(message: string): PaymentError {
  return new PaymentError('invalid_config', 'untouched', message)
}
