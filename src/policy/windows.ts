import type { Instant } from '../money/index.js'
import { dayNumber, localDay, startOfDay, weekday, yearAndMonth } from './zones.js'

/** A window of the calendar. `task` is the whole life of a task: `ever`, in the scope of that task. */
export const CALENDAR = ['minute', 'hour', 'day', 'week', 'month', 'year', 'ever', 'task'] as const
/** A window by its name: a span of the calendar, the time of a task, or all time. */
export type Calendar = (typeof CALENDAR)[number]

/** The days a week can start on, Sunday first, as {@link weekday} counts. */
export const WEEKDAYS = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const
/** The day that a week begins on. */
export type Weekday = (typeof WEEKDAYS)[number]

/** Which stretch of time a counter sums up at a moment. */
export interface Span {
  /** Buckets at or after this instant count. */
  readonly from: Instant
  /** The bucket that a payment of this moment is counted in. */
  readonly at: Instant
  /** When the window is empty again. A rolling window empties bit by bit, and `ever` never. */
  readonly resetsAt?: Instant
}

/** A window: its name in the ledger, and where it lies at a moment. */
export interface Window {
  /** `day@Europe/Berlin`, `week.monday@UTC`, `minute`, `ever`, `30d~`. */
  readonly key: string
  span(now: Instant): Span
}

const MINUTE = 60_000
const HOUR = 3_600_000
const EVER: Span = Object.freeze({ from: 0, at: 0 })
/** A rolling window is this many buckets: it may over-count by one of them, and never under-counts. */
const BUCKETS = 60

/** A window on the calendar of a zone. Days and longer go by the local date, shorter ones by the instant. */
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

/** A window over the last so many milliseconds, which must be whole minutes, so that buckets are whole too. */
export function rollingWindow(ms: number): Window {
  const width = ms / BUCKETS
  return {
    key: `${durationText(ms)}~`,
    span: (now) => {
      const at = Math.floor(now / width) * width
      // The bucket at `at - ms` still holds moments less than `ms` ago, so it counts whole.
      return { from: at - ms, at }
    },
  }
}

/** `30d`, `12h`, `90m`: a duration in the largest unit that it is a whole number of. */
export function durationText(ms: number): string {
  if (ms % (24 * HOUR) === 0) return `${ms / (24 * HOUR)}d`
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

/** Asking the calendar costs microseconds; nearly always the answer is still the last one. */
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
  // Clocks that went back over midnight show one date twice, with the other between. Windows are stretches without
  // gaps all the same: one ends where the next begins.
  while (startOfDay(next, zone) <= now) [first, next] = dates(per, weekStart, next)
  while (startOfDay(first, zone) > now) [first, next] = dates(per, weekStart, first - 1)
  const from = startOfDay(first, zone)
  return { from, at: from, resetsAt: startOfDay(next, zone) }
}

/** The first date of the window that a date lies in, and of the window after it. */
function dates(per: 'day' | 'week' | 'month' | 'year', weekStart: Weekday, day: number): [number, number] {
  if (per === 'day') return [day, day + 1]
  if (per === 'week') {
    const first = day - ((weekday(day) - WEEKDAYS.indexOf(weekStart) + 7) % 7)
    return [first, first + 7]
  }
  const { year, month } = yearAndMonth(day)
  return per === 'month'
    ? [dayNumber(year, month, 1), dayNumber(year, month + 1, 1)]
    : [dayNumber(year, 1, 1), dayNumber(year + 1, 1, 1)]
}
