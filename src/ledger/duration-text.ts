const LENGTHS = [
  [86_400_000, 'days'],
  [3_600_000, 'hours'],
  [60_000, 'minutes'],
] as const

/** `63 hours`: rounded, and in a unit that is at least two of them. */
export function durationText(ms: number): string {
  for (const [unit, name] of LENGTHS) if (ms >= 2 * unit) return `${Math.round(ms / unit)} ${name}`
  return `${Math.round(ms / 1000)} seconds`
}
