import type { ExitCode } from './exit-codes.js'
import type { Style } from './style.js'

/** The answer of a command: one JSON value, or its text for people. */
export interface SingleAnswer {
  readonly kind: 'single'
  /** The value that `--json` prints. The command's schema describes it. */
  readonly json: unknown
  /** The same facts for a person, in lines of at most `style.width` characters. */
  text(style: Style): string
  /** @default EXIT.done */
  readonly code?: ExitCode | undefined
}

/** The answer of a command that lists rows. `--json` prints one line for each row, so a long list needs no memory. */
export interface RowsAnswer {
  readonly kind: 'rows'
  /** The JSON of each row. The command's schema describes it. */
  readonly rows: AsyncIterable<unknown> | Iterable<unknown>
  /** Reads all rows, and returns them as text for a person. */
  text(style: Style): Promise<string>
  /** @default EXIT.done */
  readonly code?: ExitCode | undefined
}

export type Answer = SingleAnswer | RowsAnswer

/**
 * Creates the answer of a command that lists rows.
 *
 * @param rows - The rows. A generator that opens a ledger closes it when its reader ends.
 * @param text - Returns all rows as text, for example by `table()`.
 */
export function listAnswer<Row>(
  rows: AsyncIterable<Row> | Iterable<Row>,
  text: (rows: readonly Row[], style: Style) => string,
): RowsAnswer {
  return {
    kind: 'rows',
    rows,
    text: async (style) => {
      const all: Row[] = []
      for await (const row of rows) all.push(row)
      return text(all, style)
    },
  }
}
