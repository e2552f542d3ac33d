import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** One row of what a case came to. */
export interface Figures {
  readonly case: string
  readonly requests: number
  readonly answers: number
  readonly charges: number
  readonly signatures: number
  readonly seconds: number
}

const FILE = fileURLToPath(new URL('../../docs/safety-figures.md', import.meta.url))

/** Writes the rows as a page, where `FIGURES=1` asks for it: a test run by itself leaves no trace. */
export async function writeFigures(rows: readonly Figures[]): Promise<void> {
  if (process.env['FIGURES'] !== '1') return
  const lines = rows.map(
    (row) =>
      `| ${row.case} | ${row.requests} | ${row.answers} | ${row.charges} | ${row.signatures} | ${row.seconds.toFixed(1)} |`,
  )
  const page = [
    '# Rotating challenges and lost answers',
    '',
    'An unmodified reference server runs on a local chain. A charge is a transfer in the log of the chain.',
    '`FIGURES=1 npx vitest run test/safety/at-most-one.test.ts` writes this page.',
    '',
    '| case | requests | answers | charges | signatures | seconds |',
    '|---|---|---|---|---|---|',
    ...lines,
    '',
  ]
  await writeFile(FILE, page.join('\n'))
}
