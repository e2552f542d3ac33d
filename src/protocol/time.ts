import type { Instant } from '../money/index.js'

const DATE_TIME =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,20}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/i

/**
 * Parses an RFC 3339 date-time. It is stricter than `Date.parse`, which accepts local times, 30 February, and many
 * texts that are not dates. Fractions are cut to milliseconds and never rounded up, so nothing lives longer than
 * stated.
 *
 * @returns Undefined if the text is not a date-time.
 * @example
 * ```ts
 * parseDateTime('2026-11-22T00:00:00Z') // 1795305600000
 * ```
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
  // If the month does not have that day, the date falls into another month.
  if (date.getUTCMonth() !== month - 1) return undefined
  date.setUTCHours(hour, minute, second, Number((match[7] ?? '').slice(0, 3).padEnd(3, '0')))
  const offset = (offsetHour * 60 + offsetMinute) * 60_000
  return date.getTime() - (match[8] === '-' ? -offset : offset)
}
