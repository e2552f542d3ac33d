import type { Instant, Units } from '../money/index.js'

const DAY_MS = 86_400_000
/** How far back a usual price remembers. */
export const MEMORY_DAYS = 30
/** Fewer than this are an accident, not a price. */
const ENOUGH = 3
/** A day's median is settled by then; more would only cost room. */
export const MOST_SAMPLES = 31

/** The prices paid on one day (a number of days since 1970, UTC), from the lowest to the highest. */
export interface DayOfPrices {
  readonly day: number
  readonly prices: readonly Units[]
}

export function dayOf(now: Instant): number {
  return Math.floor(now / DAY_MS)
}

/** The day's prices with one more; undefined when the day has enough of them. */
export function withPrice(prices: readonly Units[], price: Units): readonly Units[] | undefined {
  if (prices.length >= MOST_SAMPLES) return undefined
  const above = prices.findIndex((known) => known > price)
  return above === -1 ? [...prices, price] : prices.toSpliced(above, 0, price)
}

/** The prices of two operations that are one from now on. */
export function mergedDays(
  one: readonly DayOfPrices[],
  other: readonly DayOfPrices[],
): readonly DayOfPrices[] {
  const days = new Map(one.map(({ day, prices }) => [day, prices]))
  for (const { day, prices } of other) days.set(day, thinned(sorted([...(days.get(day) ?? []), ...prices])))
  return Array.from(days, ([day, prices]) => ({ day, prices }))
}

/** As many prices as a day keeps, spread evenly: the median stays where it was. */
function thinned(prices: readonly Units[]): readonly Units[] {
  if (prices.length <= MOST_SAMPLES) return prices
  const step = (prices.length - 1) / (MOST_SAMPLES - 1)
  return prices.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step))
}

/**
 * The usual price: the lowest daily median of thirty days, so that it cannot be walked upwards. Where no day saw
 * three payments, the median of all of them.
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

/** The lower middle one, of at least three, lowest first. */
function median(prices: readonly Units[]): Units | undefined {
  return prices.length < ENOUGH ? undefined : prices[(prices.length - 1) >> 1]
}

function sorted(prices: readonly Units[]): readonly Units[] {
  return prices.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}
