import { isPaymentError, PaymentError } from '../errors/index.js'

/**
 * An error that is safe to log. A `PaymentError` loses its cause and added properties; any other error shows only its
 * kind and code. The errors of a wallet, a store or a fetch may quote keys, credentials and addresses.
 */
export function redactedError(thrown: unknown): unknown {
  if (thrown === undefined) return undefined
  if (!isPaymentError(thrown)) return new RedactedError(thrown)
  if (thrown.cause === undefined && Object.keys(thrown).every((name) => OWN.has(name))) return thrown
  const { code, funds, message, retryable, reasons, paymentId, reference, action, retryAt } = thrown
  return new PaymentError(code, funds, message, {
    retryable,
    reasons,
    paymentId,
    reference,
    action,
    retryAt,
  })
}

/** The properties that a PaymentError has by itself. Loggers print all others too. */
const OWN: ReadonlySet<string> = new Set([
  'name',
  'code',
  'funds',
  'retryable',
  'docs',
  'reasons',
  'paymentId',
  'reference',
  'action',
  'retryAt',
])

/** Stands for an error that is no `PaymentError`. */
class RedactedError extends Error {
  override readonly name: string
  declare readonly code?: string

  constructor(thrown: unknown) {
    super('Its words may quote secrets. Listeners of `error` can ask for it: event.thrown().')
    this.name = wordOf(part(thrown, 'name'), KIND) ?? 'Error'
    const known = wordOf(part(thrown, 'code'), CODE) ?? wordOf(part(part(thrown, 'cause'), 'code'), CODE)
    if (known !== undefined) this.code = known
  }
}

/** `TypeError`, `ECONNREFUSED`: such a text names a kind of failure, and cannot hold a secret. */
const KIND = /^[A-Za-z]{0,40}(?:Error|Exception)$/
const CODE = /^[A-Z][A-Z_]{2,40}$/

/** Reads a property. A getter of an unknown error may throw. */
function part(of: unknown, name: string): unknown {
  try {
    return Reflect.get(Object(of), name)
  } catch {
    return undefined
  }
}

function wordOf(value: unknown, form: RegExp): string | undefined {
  return typeof value === 'string' && form.test(value) ? value : undefined
}
