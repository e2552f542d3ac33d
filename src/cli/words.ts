import type { Instant } from '../money/index.js'
import type { AmountFact } from './facts.js'

// Words for people. They are the same in every command.

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Returns a span of time in its largest unit, rounded down: `20 s`, `5 min`, `6 h`, `3 d`. */
export function spanText(ms: number): string {
  const span = Math.max(0, ms)
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`
  return span < 2 * DAY ? `${Math.floor(span / HOUR)} h` : `${Math.floor(span / DAY)} d`
}

/** Returns how long ago a time was: `5 min ago`. */
export function agoText(at: Instant, now: Instant): string {
  return `${spanText(now - at)} ago`
}

/** Returns how far away a time is: `in 6 h`. A time that is over is `now`. */
export function inText(at: Instant, now: Instant): string {
  return at <= now ? 'now' : `in ${spanText(at - now)}`
}

/** Returns the number of an amount, with at least two decimals and without rounding: `5.00`, `0.0003`. */
export function moneyText({ value }: Pick<AmountFact, 'value'>): string {
  const [whole = '', fraction = ''] = value.split('.')
  return `${whole}.${fraction.padEnd(2, '0')}`
}

const CALENDAR = /^(minute|hour|day|week|month|year)(?:\.[a-z]+)?(?:@(.+))?$/

/** Returns the words of a window: `day@UTC` is `a day (UTC)`, `30d~` is `the last 30 d`. */
export function windowText(window: string): string {
  if (window === 'ever') return 'ever'
  const [, per, zone] = CALENDAR.exec(window) ?? []
  if (per !== undefined)
    return `${per === 'hour' ? 'an' : 'a'} ${per}${zone === undefined ? '' : ` (${zone})`}`
  const [, count, unit = ''] = /^(\d+)([dhms])~$/.exec(window) ?? []
  return count === undefined ? window : `the last ${count} ${unit === 'm' ? 'min' : unit}`
}

/** Returns an origin as people say it: without `https://`. */
export function vendorText(vendor: string): string {
  return vendor.replace(/^https:\/\//, '')
}
