import Table from 'cli-table3'
import type { Style } from './style.js'

/** A column of a table. */
export interface Column {
  readonly title: string
  /** Amounts are on the right. @default 'left' */
  readonly align?: 'left' | 'right'
  /** Whether a text that is too long for the line may be cut. Amounts are never cut. @default false */
  readonly cut?: boolean
}

const GAP = 3
const LEAST = 8

/** Prints a table without lines. If it is wider than the style, the columns that may be cut share the loss. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { width, color }: Style,
): string {
  const lengths = columns.map(({ title }, at) =>
    Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)),
  )
  const widths = fitted(columns, lengths, width)
  const shown = new Table({
    head: columns.map(({ title }) => color('dim', title)),
    colWidths: widths.map((size, at) => (at === columns.length - 1 ? size : size + GAP)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  })
  shown.push(...rows.map((row) => [...row]))
  return shown
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

function fitted(columns: readonly Column[], lengths: readonly number[], width: number): number[] {
  const room = width - GAP * (columns.length - 1)
  let over = lengths.reduce((sum, length) => sum + length, 0) - room
  const widths = [...lengths]
  while (over > 0) {
    const widest = widths.reduce(
      (best, size, at) =>
        columns[at]?.cut === true && size > LEAST && size > (widths[best] ?? 0) ? at : best,
      -1,
    )
    if (widest < 0) break
    widths[widest] = (widths[widest] ?? 0) - 1
    over--
  }
  return widths
}

const NO_LINES = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((name) => [name, '']),
)
