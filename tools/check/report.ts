/** One violation of a rule. */
export interface Violation {
  readonly rule: string
  /** Path from the root of the repository, with forward slashes. */
  readonly file: string
  readonly line?: number
  readonly message: string
  /** A warning is printed, but does not fail the check. */
  readonly warning?: true
}

/** The violations as an aligned table, errors first. */
export function table(violations: readonly Violation[]): string {
  const rows = [...violations]
    .sort((a, b) => Number(a.warning ?? false) - Number(b.warning ?? false) || order(a, b))
    .map((v) => [v.warning ? 'warn' : 'ERROR', v.rule, place(v), v.message] as const)
  const width = (column: 0 | 1 | 2): number => Math.max(0, ...rows.map((row) => row[column].length))
  const [first, second, third] = [width(0), width(1), width(2)]
  return rows
    .map(
      ([level, rule, at, message]) =>
        `${level.padEnd(first)}  ${rule.padEnd(second)}  ${at.padEnd(third)}  ${message}`,
    )
    .join('\n')
}

/** Prints the table and a last line; the exit code is 1 if anything but warnings was found. */
export function report(name: string, violations: readonly Violation[]): number {
  const errors = violations.filter((v) => !v.warning).length
  if (violations.length > 0) console.log(table(violations))
  console.log(`${name}: ${errors} errors, ${violations.length - errors} warnings`)
  return errors === 0 ? 0 : 1
}

function place({ file, line }: Violation): string {
  return line === undefined ? file : `${file}:${line}`
}

function order(a: Violation, b: Violation): number {
  return a.rule.localeCompare(b.rule) || a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0)
}
