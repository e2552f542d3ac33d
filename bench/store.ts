import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteLedger } from '../src/ledger/sqlite/index.js'
import { AT_ONCE, fillLedger, openAndAsk, payMany } from './ledger.js'
import { median, type Row } from './measure.js'

const BATCH = 2_000
const ROUNDS = 5

/** Hold, commit and settle in SQLite; then the same on a ledger that is already large. */
export async function benchStore(stored: number): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-bench-'))
  const [small, large] = [join(folder, 'small.db'), join(folder, 'large.db')]
  try {
    await fillLedger(large, stored)
    const normal = await rates({ small, large }, 'normal')
    const full = await rates({ small }, 'full')
    const together = await rates({ small }, 'normal', AT_ONCE)
    const synced = await rates({ small }, 'full', AT_ONCE)
    const opening = median(await Promise.all([openAndAsk(large)]))
    const size = stored.toLocaleString('en')
    const slower = (normal['small'] ?? 0) / (normal['large'] ?? 0)
    return [
      {
        what: 'hold + commit + settle in SQLite, synchronous=NORMAL',
        measured: `${perSecond(normal['small'])} payments/s`,
        target: '≥ 5,000',
      },
      {
        what: `the same, ${AT_ONCE} payments at once`,
        measured: `${perSecond(together['small'])} payments/s`,
        target: '≥ 5,000',
      },
      {
        what: `the same, ${AT_ONCE} at once, at synchronous=FULL`,
        measured: `${perSecond(synced['small'])} payments/s`,
        target: 'reported',
      },
      {
        what: 'one after the other at synchronous=FULL (the default)',
        measured: `${perSecond(full['small'])} payments/s`,
        target: 'reported',
      },
      {
        what: `one payment with ${size} stored / with none`,
        measured: `${slower.toFixed(2)} × (${perSecond(normal['large'])} payments/s)`,
        target: '≤ 1.3 ×',
      },
      {
        what: `open a ledger of ${size} payments and read its budgets`,
        measured: `${opening.toFixed(0)} ms`,
        target: '≤ 50 ms',
      },
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Payments a second, median of rounds, the files taking turns. */
async function rates(
  files: Readonly<Record<string, string>>,
  synchronous: 'normal' | 'full',
  atOnce = 1,
): Promise<Record<string, number | undefined>> {
  const ledgers = Object.entries(files).map(([name, path]) => ({
    name,
    ledger: sqliteLedger({ path, synchronous }),
    rates: [] as number[],
  }))
  for (const { ledger } of ledgers) await payMany(ledger, 500, `warm-${synchronous}-${atOnce}`, atOnce)
  for (let round = 0; round < ROUNDS; round++)
    for (const { ledger, rates: found } of ledgers)
      found.push((BATCH / (await payMany(ledger, BATCH, `${synchronous}-${atOnce}-${round}`, atOnce))) * 1000)
  for (const { ledger } of ledgers) await ledger.close()
  return Object.fromEntries(ledgers.map(({ name, rates: found }) => [name, median(found)]))
}

function perSecond(rate: number | undefined): string {
  return rate === undefined ? '-' : Math.round(rate).toLocaleString('en')
}
