const LENGTHS = [
  [86_400_000, 'days'],
  [3_600_000, 'hours'],
  [60_000, 'minutes'],
] as const

/**
 * Returns a duration as text, such as `63 hours`. The value is rounded, and the unit is one that fits at least twice.
 */
export function durationText(ms: number): string {
  for (const [unit, name] of LENGTHS) if (ms >= 2 * unit) return `${Math.round(ms / unit)} ${name}`
  return `${Math.round(ms / 1000)} seconds`
}
