import type { Instant, Units } from '../money/index.js'

const DAY_MS = 86_400_000
/** The number of days that a usual price uses. */
export const MEMORY_DAYS = 30
/** Fewer prices than this are too few for a usual price. */
const ENOUGH = 3
/** The maximum number of prices of one day. The median is stable by then, and more prices would only use more space. */
export const MOST_SAMPLES = 31

/** The prices paid on one day (a number of days since 1970, UTC), from the lowest to the highest. */
export interface DayOfPrices {
  readonly day: number
  readonly prices: readonly Units[]
}

export function dayOf(now: Instant): number {
  return Math.floor(now / DAY_MS)
}

/** Adds a price to the prices of a day. Returns undefined if the day has enough prices. */
export function withPrice(prices: readonly Units[], price: Units): readonly Units[] | undefined {
  if (prices.length >= MOST_SAMPLES) return undefined
  const above = prices.findIndex((known) => known > price)
  return above === -1 ? [...prices, price] : prices.toSpliced(above, 0, price)
}

/** Merges the prices of two operations that become one. */
export function mergedDays(
  one: readonly DayOfPrices[],
  other: readonly DayOfPrices[],
): readonly DayOfPrices[] {
  const days = new Map(one.map(({ day, prices }) => [day, prices]))
  for (const { day, prices } of other) days.set(day, thinned(sorted([...(days.get(day) ?? []), ...prices])))
  return Array.from(days, ([day, prices]) => ({ day, prices }))
}

/** Returns as many prices as a day keeps, spread evenly. The median does not change. */
function thinned(prices: readonly Units[]): readonly Units[] {
  if (prices.length <= MOST_SAMPLES) return prices
  const step = (prices.length - 1) / (MOST_SAMPLES - 1)
  return prices.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step))
}

/**
 * Returns the usual price: the lowest daily median of thirty days, so that a server cannot raise it step by step. If no
 * day had three payments, it is the median of all prices.
 */
export function usualPrice(days: readonly DayOfPrices[], now: Instant): Units | undefined {
  const recent = days.filter(({ day }) => day > dayOf(now) - MEMORY_DAYS)
  let lowest: Units | undefined
  for (const { prices } of recent) {
    const middle = median(prices)
    if (middle !== undefined && (lowest === undefined || middle < lowest)) lowest = middle
  }
  return lowest ?? median(sorted(recent.flatMap(({ prices }) => prices)))
}

/** Returns the lower median of at least three sorted prices. */
function median(prices: readonly Units[]): Units | undefined {
  return prices.length < ENOUGH ? undefined : prices[(prices.length - 1) >> 1]
}

function sorted(prices: readonly Units[]): readonly Units[] {
  return prices.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}
