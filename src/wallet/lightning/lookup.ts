import type { Config, LightningOptions } from './options.js'

type Found = Awaited<ReturnType<NonNullable<LightningOptions['lookUpPayment']>>>

/** A look is short: whoever waits for it waits before money moves, or for a doubt that is looked at again. */
const PATIENCE_MS = 15_000

/** What the node knows of a payment; undefined: it does not say, or not in time. Its own words go nowhere. */
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
