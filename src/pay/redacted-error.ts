import { isPaymentError, PaymentError } from '../errors/index.js'

/**
 * An error as anybody may see it: our own, without what it rests on or what was hung on it; anybody else's by its kind
 * and code alone. What a wallet, a store or a fetch beneath throws may quote keys, credentials and addresses.
 */
export function redactedError(thrown: unknown): unknown {
  if (thrown === undefined) return undefined
  if (!isPaymentError(thrown)) return new RedactedError(thrown)
  if (thrown.cause === undefined && Object.keys(thrown).every((name) => OWN.has(name))) return thrown
  const { code, funds, message, retryable, reasons, paymentId, reference, action, retryAt } = thrown
  return new PaymentError(code, funds, message, {
    retryable,
    reasons,
    ...(paymentId === undefined ? {} : { paymentId }),
    ...(reference === undefined ? {} : { reference }),
    ...(action === undefined ? {} : { action }),
    ...(retryAt === undefined ? {} : { retryAt }),
  })
}

/** What a PaymentError has of itself. Loggers print whatever else is hung on it. */
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

/** Stands for somebody else's error. */
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

/** `TypeError`, `ECONNREFUSED`: what names a kind of failure, and is no place for a secret. */
const KIND = /^[A-Za-z]{0,40}(?:Error|Exception)$/
const CODE = /^[A-Z][A-Z_]{2,40}$/

/** A getter of somebody else's error may throw in its turn. */
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
