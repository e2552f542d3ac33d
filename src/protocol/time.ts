import type { Instant } from '../money/index.js'

const DATE_TIME =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,20}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/i

/**
 * An RFC 3339 date-time as a moment; undefined if it is not one. Stricter than `Date.parse`, which takes local
 * times, day 30 of February, and much that is not a date at all. Fractions are cut to milliseconds, never rounded
 * up: nothing lives longer than was said.
 */
export function parseDateTime(text: string): Instant | undefined {
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const part = (group: number): number => Number(match[group] ?? 0)
  const [month, day, hour, minute, second] = [part(2), part(3), part(4), part(5), part(6)]
  const [offsetHour, offsetMinute] = [part(9), part(10)]
  // Second 60 is a leap second (RFC 3339, section 5.7); it reads as the next minute.
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return undefined
  const date = new Date(0)
  date.setUTCFullYear(part(1), month - 1, day)
  // A day that the month does not have lands in another month.
  if (date.getUTCMonth() !== month - 1) return undefined
  date.setUTCHours(hour, minute, second, Number((match[7] ?? '').slice(0, 3).padEnd(3, '0')))
  const offset = (offsetHour * 60 + offsetMinute) * 60_000
  return date.getTime() - (match[8] === '-' ? -offset : offset)
}
