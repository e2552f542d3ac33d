import type { Instant } from '../money/index.js'

/** A date without a time: days since 1970-01-01. */
export type DayNumber = number

const DAY = 86_400_000
const formatters = new Map<string, Intl.DateTimeFormat>()

/** Is this the name of a time zone here? */
export function isZone(zone: string): boolean {
  // Offsets such as `+02:00` are not zones: they have no calendar of their own.
  if (!/^[A-Za-z][\w/+-]*$/.test(zone)) return false
  try {
    formatter(zone)
    return true
  } catch {
    return false
  }
}

function formatter(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  })
  formatters.set(zone, made)
  return made
}

/** The date that clocks in a zone show. */
export function localDay(instant: Instant, zone: string): DayNumber {
  if (zone === 'UTC') return Math.floor(instant / DAY)
  const parts = { year: 0, month: 1, day: 1 }
  for (const { type, value } of formatter(zone).formatToParts(instant))
    if (type === 'year' || type === 'month' || type === 'day') parts[type] = Number(value)
  return dayNumber(parts.year, parts.month, parts.day)
}

/** The number of a date. A month or day past its end runs on into the next. */
export function dayNumber(year: number, month: number, day: number): DayNumber {
  return Date.UTC(year, month - 1, day) / DAY
}

/** Year and month (1 to 12) of a date. */
export function yearAndMonth(day: DayNumber): { readonly year: number; readonly month: number } {
  const date = new Date(day * DAY)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1 }
}

/** 0 for Sunday to 6 for Saturday. */
export function weekday(day: DayNumber): number {
  // 1970-01-01 was a Thursday.
  return (((day + 4) % 7) + 7) % 7
}

/**
 * The first instant at which clocks in a zone show that date or a later one. Searched for rather than computed: local
 * midnight may not exist, may exist twice, and whole dates were skipped (Apia, 2011-12-30).
 */
export function startOfDay(day: DayNumber, zone: string): Instant {
  if (zone === 'UTC') return day * DAY
  // Zones lie between UTC-12 and UTC+14, with the odd hour of daylight saving beyond.
  let before = day * DAY - 16 * 3_600_000
  let after = day * DAY + 14 * 3_600_000
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (localDay(middle, zone) < day) before = middle
    else after = middle
  }
  return after
}
