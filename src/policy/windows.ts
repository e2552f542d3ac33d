import type { Instant } from '../money/index.js'
import { DAY, dayNumber, localDay, startOfDay, weekday } from './zones.js'

/** The calendar windows. `task` is the whole life of a task: `ever`, in the scope of that task. */
export const CALENDAR = ['minute', 'hour', 'day', 'week', 'month', 'year', 'ever', 'task'] as const
/** A window by its name: a calendar span, the life of a task, or all time. */
export type Calendar = (typeof CALENDAR)[number]

/** The possible first days of a week, Sunday first, as {@link weekday} counts. */
export const WEEKDAYS = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const
/** The first day of a week. */
export type Weekday = (typeof WEEKDAYS)[number]

/** The time span that a counter sums up at a given moment. */
export interface Span {
  /** Buckets at or after this instant count. */
  readonly from: Instant
  /** The bucket in which a payment of this moment is counted. */
  readonly at: Instant
  /**
   * The time at which the window is empty again. Absent for a rolling window, which empties gradually, and for `ever`.
   */
  readonly resetsAt?: Instant
}

/** A window: its name in the ledger, and its span at a given moment. */
export interface Window {
  /** `day@Europe/Berlin`, `week.monday@UTC`, `minute`, `ever`, `30d~`. */
  readonly key: string
  span(now: Instant): Span
}

const MINUTE = 60_000
const HOUR = 3_600_000
const EVER: Span = Object.freeze({ from: 0, at: 0 })
/** The number of buckets in a rolling window. It may count one bucket too many, never one too few. */
const BUCKETS = 60

/** Creates a calendar window in a zone. Days and longer windows follow the local date, shorter ones the instant. */
export function calendarWindow(per: Calendar, zone: string, weekStart: Weekday): Window {
  switch (per) {
    case 'minute':
      return stepped('minute', MINUTE)
    case 'hour':
      return stepped('hour', HOUR)
    case 'ever':
    case 'task':
      return { key: 'ever', span: () => EVER }
    case 'day':
    case 'week':
    case 'month':
    case 'year': {
      const key = per === 'week' ? `week.${weekStart}@${zone}` : `${per}@${zone}`
      return { key, span: remembering((now) => dated(per, zone, weekStart, now)) }
    }
  }
}

/** Creates a window over the last `ms` milliseconds. They must be whole minutes, so that buckets are whole too. */
export function rollingWindow(ms: number): Window {
  const width = ms / BUCKETS
  return {
    key: `${durationText(ms)}~`,
    span: (now) => {
      const at = Math.floor(now / width) * width
      // The bucket at `at - ms` still contains moments less than `ms` ago, so the whole bucket counts.
      return { from: at - ms, at }
    },
  }
}

/** Formats a duration in the largest unit without a remainder: `30d`, `12h`, `90m`. */
export function durationText(ms: number): string {
  if (ms % DAY === 0) return `${ms / DAY}d`
  if (ms % HOUR === 0) return `${ms / HOUR}h`
  return ms % MINUTE === 0 ? `${ms / MINUTE}m` : `${ms / 1000}s`
}

function stepped(name: string, width: number): Window {
  return {
    key: name,
    span: (now) => {
      const from = Math.floor(now / width) * width
      return { from, at: from, resetsAt: from + width }
    },
  }
}

/** Caches the last span: computing one takes microseconds, and the last one is nearly always still valid. */
function remembering(compute: (now: Instant) => Required<Span>): (now: Instant) => Span {
  let last: Required<Span> | undefined
  return (now) => {
    if (last === undefined || now < last.from || now >= last.resetsAt) last = Object.freeze(compute(now))
    return last
  }
}

function dated(
  per: 'day' | 'week' | 'month' | 'year',
  zone: string,
  weekStart: Weekday,
  now: Instant,
): Required<Span> {
  let [first, next] = dates(per, weekStart, localDay(now, zone))
  // If clocks go back over midnight, they show one date twice with the other in between. Windows still have no gaps:
  // each one ends where the next begins.
  while (startOfDay(next, zone) <= now) [first, next] = dates(per, weekStart, next)
  while (startOfDay(first, zone) > now) [first, next] = dates(per, weekStart, first - 1)
  const from = startOfDay(first, zone)
  return { from, at: from, resetsAt: startOfDay(next, zone) }
}

/** Returns the first date of the window that contains a date, and the first date of the next window. */
function dates(per: 'day' | 'week' | 'month' | 'year', weekStart: Weekday, day: number): [number, number] {
  if (per === 'day') return [day, day + 1]
  if (per === 'week') {
    const first = day - ((weekday(day) - WEEKDAYS.indexOf(weekStart) + 7) % 7)
    return [first, first + 7]
  }
  const date = new Date(day * DAY)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + 1]
  return per === 'month'
    ? [dayNumber(year, month, 1), dayNumber(year, month + 1, 1)]
    : [dayNumber(year, 1, 1), dayNumber(year + 1, 1, 1)]
}
