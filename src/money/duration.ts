/**
 * The longest delay of a timer, in milliseconds: just under 25 days. `setTimeout` fires at once if the delay is longer.
 */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The bounds of a duration in milliseconds, both included. */
export interface DurationRange {
  /** @default 1 */
  readonly least?: number
  /** @default {@link LONGEST_TIMER_MS} */
  readonly most?: number
}

/**
 * Checks an option that is a duration: a whole number of milliseconds within bounds that timers support.
 *
 * @param name - The option's name, as the caller wrote it.
 * @throws TypeError that names the option and its bounds.
 */
export function checkDuration(name: string, value: unknown, range: DurationRange = {}): number {
  const { least = 1, most = LONGEST_TIMER_MS } = range
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw new TypeError(`${name} must be a whole number of milliseconds from ${least} to ${most}`)
}

/** The pattern of a duration in a document: `90s`, `5m`, `12h`, `30d`, `2w`. */
export const DURATION_PATTERN = '^[1-9][0-9]{0,5}[smhdw]$'
const WRITTEN = new RegExp(DURATION_PATTERN)

const UNITS_OF_TIME: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/**
 * Parses a duration of a document into milliseconds.
 *
 * @returns Undefined if the text is not a duration.
 */
export function parseDuration(written: string): number | undefined {
  if (!WRITTEN.test(written)) return undefined
  const unit = UNITS_OF_TIME[written.slice(-1)]
  return unit === undefined ? undefined : Number(written.slice(0, -1)) * unit
}
