/**
 * Everything that is measured, in one run: `npm run build && npm run bench`. With `--write` the table goes into the
 * README. The large ledger takes about ten minutes to fill; `--stored 100000` makes it smaller, and the table says so.
 * With `--quick` it is that small, and the heap is not weighed.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { benchCharge } from './charge.js'
import { benchFree } from './free.js'
import { benchImport } from './import.js'
import type { Row } from './measure.js'
import { benchMemory } from './memory.js'
import { benchPolicy } from './policy.js'
import { benchSessions } from './sessions.js'
import { benchSse } from './sse.js'
import { benchStore } from './store.js'
import { benchX402 } from './x402.js'

const quick = process.argv.includes('--quick')
const at = process.argv.indexOf('--stored')
const stored = at === -1 ? (quick ? 100_000 : 1_000_000) : Number(process.argv[at + 1])
const README = new URL('../README.md', import.meta.url)
const [START, END] = ['<!-- bench:start -->', '<!-- bench:end -->']

const parts: readonly (() => Promise<readonly Row[]> | readonly Row[])[] = [
  benchFree,
  benchCharge,
  benchX402,
  benchSessions,
  benchSse,
  benchPolicy,
  benchImport,
  () => benchStore(stored),
  ...(quick ? [] : [benchMemory]),
]

const rows: Row[] = []
for (const part of parts) {
  for (const row of await part()) {
    rows.push(row)
    console.log(`${row.what}\n    ${row.measured}   (target ${row.target})`)
  }
}
if (process.argv.includes('--write')) await write(rows)
process.exit(0)

async function write(all: readonly Row[]): Promise<void> {
  const readme = await readFile(README, 'utf8')
  const [before, rest] = readme.split(START)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new TypeError(`README.md needs ${START} and ${END}`)
  const table = [
    '| what | measured | target |',
    '|---|---|---|',
    ...all.map(({ what, measured, target }) => `| ${what} | ${measured} | ${target} |`),
  ]
  const machine = `Medians of one run of \`npm run bench\` on Node ${process.versions.node}, ${cpus().length} cores.`
  await writeFile(README, `${before}${START}\n${machine}\n\n${table.join('\n')}\n${END}${after}`)
}
