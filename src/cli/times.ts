import type { Instant } from '../money/index.js'
import { misuse } from './misuse.js'

const DAY = 86_400_000
const SPANS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY, w: 7 * DAY }

/**
 * Reads a time from the command line: `today`, `yesterday`, a span before now (`90m`, `6h`, `30d`, `2w`), a day
 * (`2026-11-30`), a month (`2026-11`) or a time of RFC 3339. Days begin at midnight UTC, as the budgets of a policy without
 * a zone do.
 *
 * @param option - The name of the option, for the error.
 */
export function timeOf(text: string, option: string, now: Instant): Instant {
  const midnight = Math.floor(now / DAY) * DAY
  if (text === 'now') return now
  if (text === 'today') return midnight
  if (text === 'yesterday') return midnight - DAY
  const [, count, unit = ''] = /^(\d{1,5})([mhdw])$/.exec(text) ?? []
  const span = SPANS[unit]
  if (count !== undefined && span !== undefined) return now - Number(count) * span
  const at = isDated(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw misuse(
      `${option} must be a time: today, 30d, 2026-11-30, 2026-11 or 2026-11-30T12:00:00Z. It is ${JSON.stringify(text)}.`,
    )
  return at
}

/** A time of day needs its zone: without it, it would be the time of the machine, and a day would be one of UTC. */
function isDated(text: string): boolean {
  const [, day] =
    /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(text) ?? []
  // `Date` accepts 2026-02-30 as a day of March.
  if (day !== undefined) return new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day) ?? false
  return /^\d{4}-\d{2}$/.test(text)
}
