import type { Instant } from '../money/index.js'

/** A date without a time: days since 1970-01-01. */
type DayNumber = number

export const DAY = 86_400_000
const formatters = new Map<string, Intl.DateTimeFormat>()

/** Tells whether this runtime knows a time zone by this name. */
export function isZone(zone: string): boolean {
  // Offsets such as `+02:00` are not zones: they have no calendar.
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

export function localDay(instant: Instant, zone: string): DayNumber {
  if (zone === 'UTC') return Math.floor(instant / DAY)
  const parts = { year: 0, month: 1, day: 1 }
  for (const { type, value } of formatter(zone).formatToParts(instant))
    if (type === 'year' || type === 'month' || type === 'day') parts[type] = Number(value)
  return dayNumber(parts.year, parts.month, parts.day)
}

/** Returns the number of a date. A month or day beyond its end continues into the next. */
export function dayNumber(year: number, month: number, day: number): DayNumber {
  return Date.UTC(year, month - 1, day) / DAY
}

/** Returns 0 for Sunday to 6 for Saturday. */
export function weekday(day: DayNumber): number {
  // 1970-01-01 was a Thursday.
  return (((day + 4) % 7) + 7) % 7
}

/**
 * Returns the first instant at which clocks in a zone show that date or a later one. The instant is searched for, not
 * computed: local midnight may not exist, may exist twice, and some zones have skipped whole dates (Apia, 2011-12-30).
 */
export function startOfDay(day: DayNumber, zone: string): Instant {
  if (zone === 'UTC') return day * DAY
  // Zones lie between UTC-12 and UTC+14; daylight saving may add an hour.
  let before = day * DAY - 16 * 3_600_000
  let after = day * DAY + 14 * 3_600_000
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (localDay(middle, zone) < day) before = middle
    else after = middle
  }
  return after
}
