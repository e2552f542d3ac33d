import Table from 'cli-table3'
import { clean } from '../errors/index.js'
import type { Color, Style } from './style.js'

/** A column of a table. */
export interface Column {
  readonly title: string
  /** `decimal` puts the decimal points of amounts below each other. @default 'left' */
  readonly align?: 'left' | 'right' | 'decimal'
  /** Whether a text that is too long for the line may be cut. Amounts are never cut. @default false */
  readonly cut?: boolean
  /** The number of characters that a cut leaves at least. @default 8 */
  readonly least?: number
  /** Returns the color of a text. */
  readonly color?: (text: string) => Color | undefined
}

const GAP = 2
const LEAST = 8
/** More characters than any terminal shows in a line. */
const MOST = 500

/**
 * Prints a table without lines. If it is wider than the style, the columns that may be cut share the loss.
 *
 * @param given - The texts. They may come from a server: control and bidirectional characters are removed.
 */
export function table(
  columns: readonly Column[],
  given: readonly (readonly string[])[],
  { width, color }: Style,
): string {
  const rows = withDecimalsAligned(
    columns,
    given.map((row) => row.map(cell)),
  )
  const lengths = columns.map(({ title }, at) =>
    Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)),
  )
  const widths = fitted(columns, lengths, width)
  const shown = new Table({
    head: columns.map(({ title }) => color('dim', title)),
    colWidths: widths.map((size) => size + GAP),
    colAligns: columns.map(({ align = 'left' }) => (align === 'left' ? 'left' : 'right')),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP, compact: true },
  })
  for (const row of rows)
    shown.push(
      row.map((text, at) => {
        const name = columns[at]?.color?.(text)
        return name === undefined ? text : color(name, text)
      }),
    )
  return shown
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** Keeps the spaces at the start, which show that a row belongs to the one above. */
function cell(text: string): string {
  return `${/^ */.exec(text)?.[0] ?? ''}${clean(text, MOST)}`
}

/** Adds spaces after amounts with fewer decimals. Texts that are no amounts, such as `-`, end where the whole numbers end. */
function withDecimalsAligned(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly (readonly string[])[] {
  const tails = columns.map(({ align }, at) =>
    align === 'decimal' ? Math.max(0, ...rows.map((row) => tailOf(row[at] ?? ''))) : 0,
  )
  return rows.map((row) =>
    row.map((text, at) => {
      const tail = tails[at] ?? 0
      return tail === 0 ? text : text + ' '.repeat(tail - tailOf(text))
    }),
  )
}

/** The number of characters from the decimal point to the end. */
function tailOf(text: string): number {
  const point = text.indexOf('.')
  return point < 0 ? 0 : text.length - point
}

function fitted(columns: readonly Column[], lengths: readonly number[], width: number): number[] {
  const room = width - GAP * (columns.length - 1)
  let over = lengths.reduce((sum, length) => sum + length, 0) - room
  const widths = [...lengths]
  while (over > 0) {
    const widest = widths.reduce((best, size, at) => {
      const { cut, least = LEAST } = columns[at] ?? { cut: false }
      return cut === true && size > least && size > (widths[best] ?? 0) ? at : best
    }, -1)
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
