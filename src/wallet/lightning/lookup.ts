import { withTimeout } from '../../util/with-timeout.js'
import type { Config, LightningOptions } from './options.js'

type Found = Awaited<ReturnType<NonNullable<LightningOptions['lookUpPayment']>>>

/**
 * The time limit of a lookup, in milliseconds. It is short, because a lookup delays a payment, and an unclear payment
 * is checked again anyway.
 */
const PATIENCE_MS = 15_000

/**
 * Asks the node for its record of a payment. Undefined if it does not answer, or not in time. The node's own texts are
 * not passed on.
 */
export async function lookUpPayment(hash: string, { lookUp, timeoutMs }: Config): Promise<Found | undefined> {
  if (lookUp === undefined) return undefined
  try {
    const found = await withTimeout(lookUp(hash), Math.min(timeoutMs, PATIENCE_MS))
    return found === 'late' ? undefined : found
  } catch {
    return undefined
  }
}
