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
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.min(timeoutMs, PATIENCE_MS))
  })
  try {
    return await Promise.race([lookUp(hash), silence])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
