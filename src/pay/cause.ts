import { isPaymentError, PaymentError } from '../errors/index.js'
import type { Call, Env } from './env.js'

/**
 * What an error of ours may name as its cause. Loggers print causes whole, and what a wallet, a store or a fetch beneath
 * throws may quote keys, credentials and addresses: whoever listens to `error` gets that as it was, and an error keeps
 * its kind and code alone. A caller's own reason to give up is his, and is kept.
 */
export function causeFor(thrown: unknown, { signal }: Call, env: Env): unknown {
  if (signal?.aborted === true && thrown === signal.reason) return thrown
  const shown = shownOf(thrown)
  if (shown !== thrown) env.emitter.emit('error', { error: thrown, during: 'payment' })
  return shown
}

/** An error as others may see it: our own, without what it rests on; anybody else's without its words. */
export function shownOf(thrown: unknown): unknown {
  if (thrown === undefined) return undefined
  if (!isPaymentError(thrown)) return new Undisclosed(thrown)
  if (thrown.cause === undefined) return thrown
  const { code, funds, message, ...details } = thrown
  return new PaymentError(code, funds, message, details)
}

/** Stands for somebody else's error. */
class Undisclosed extends Error {
  override readonly name: string
  declare readonly code?: string

  constructor(thrown: unknown) {
    super('Its words may quote secrets. Listeners of `error` were told.')
    const { name, code, cause }: { readonly [Part in 'name' | 'code' | 'cause']?: unknown } = Object(thrown)
    this.name = wordOf(name, KIND) ?? 'Error'
    const known = wordOf(code, CODE) ?? wordOf(Object(cause).code, CODE)
    if (known !== undefined) this.code = known
  }
}

/** `TypeError`, `ECONNREFUSED`: what names a kind of failure, and is no place for a secret. */
const KIND = /^[A-Za-z]{0,40}(?:Error|Exception)$/
const CODE = /^[A-Z][A-Z_]{2,40}$/

function wordOf(value: unknown, form: RegExp): string | undefined {
  return typeof value === 'string' && form.test(value) ? value : undefined
}
