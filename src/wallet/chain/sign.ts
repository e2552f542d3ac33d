import { PaymentError } from '../../errors/index.js'
import { ONCE } from '../../util/objects.js'
import type { Hex } from './hex.js'

interface Signer {
  sign(hash: Hex): Promise<Hex>
}

/** Requests one signature. After an abort, a slow signer is not waited for, and its late signature is dropped. */
export async function sign(hash: Hex, signer: Signer, signal: AbortSignal | undefined): Promise<Hex> {
  let signature: Hex
  try {
    signature = await abortable(signer.sign(hash), signal)
  } catch {
    signal?.throwIfAborted()
    // The account's own error is not passed on, because it may quote secrets.
    throw failed('The account could not sign')
  }
  signal?.throwIfAborted()
  return checked(signature)
}

/**
 * Checks that a signature is whole bytes, at least the 65 of secp256k1. Lower-case text, the usual form, is returned
 * unchanged.
 */
function checked(signature: Hex): Hex {
  if (typeof signature === 'string' && signature.length >= SHORTEST && signature.length % 2 === 0) {
    if (LOWER.test(signature)) return signature
    if (ANY_CASE.test(signature)) return `0x${signature.slice(2).toLowerCase()}`
  }
  throw failed('The account returned no usable signature')
}

const SHORTEST = 2 + 2 * 65
const LOWER = /^0x[0-9a-f]+$/
const ANY_CASE = /^0x[0-9a-fA-F]+$/

function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, ONCE)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** Creates an error for a failure while the money is safe: the next offer may be tried. */
export function failed(message: string): PaymentError {
  return new PaymentError('wallet_failed', 'held', message)
}
