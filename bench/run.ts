/**
 * Everything that is measured, in one run: `npm run build && npm run bench`. With `--write` the table goes into
 * docs/performance.md. The large ledger takes about ten minutes to fill; `--stored 100000` makes it smaller, and the table says so.
 * With `--quick` it is that small, and the heap is not weighed. `--only users,store` runs the parts of these names.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { benchCharge } from './charge.js'
import { benchFree } from './free.js'
import { benchGrowth } from './growth.js'
import { benchImport } from './import.js'
import { benchMcp } from './mcp.js'
import type { Row } from './measure.js'
import { benchMemory } from './memory.js'
import { benchPolicy } from './policy.js'
import { benchSessions } from './sessions.js'
import { benchSse } from './sse.js'
import { benchStore } from './store.js'
import { benchUsers } from './users.js'
import { benchX402 } from './x402.js'

const quick = process.argv.includes('--quick')
const stored = Number(after('--stored') ?? (quick ? 100_000 : 1_000_000))
const PAGE = new URL('../docs/performance.md', import.meta.url)
const [START, END] = ['<!-- bench:start -->', '<!-- bench:end -->']

/** The largest ledger that the calls of users are measured on. */
const USERS_STORED = 100_000

const parts: Readonly<Record<string, () => Promise<readonly Row[]> | readonly Row[]>> = {
  free: benchFree,
  charge: benchCharge,
  x402: benchX402,
  mcp: benchMcp,
  users: () => benchUsers(Math.min(stored, USERS_STORED)),
  growth: () => benchGrowth(Math.min(stored, USERS_STORED)),
  sessions: benchSessions,
  sse: benchSse,
  policy: benchPolicy,
  import: benchImport,
  store: () => benchStore(stored),
  memory: benchMemory,
}

const only = after('--only')?.split(',')
const unknown = only?.find((name) => !Object.hasOwn(parts, name))
if (unknown !== undefined) throw new TypeError(`--only knows no ${unknown}: ${Object.keys(parts).join(', ')}`)
if (process.argv.includes('--write') && only !== undefined)
  throw new TypeError('--write needs every part: a table of one part would drop the others')

const rows: Row[] = []
for (const [name, part] of Object.entries(parts)) {
  if (only === undefined ? quick && name === 'memory' : !only.includes(name)) continue
  for (const row of await part()) {
    rows.push(row)
    console.log(`${row.what}\n    ${row.measured}   (target ${row.target})`)
  }
}
if (process.argv.includes('--write')) await write(rows)
process.exit(0)

async function write(all: readonly Row[]): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const [before, rest] = page.split(START)
  const tail = rest?.split(END)[1]
  if (before === undefined || tail === undefined)
    throw new TypeError(`docs/performance.md needs ${START} and ${END}`)
  const table = [
    '| what | measured | target |',
    '|---|---|---|',
    ...all.map(({ what, measured, target }) => `| ${what} | ${measured} | ${target} |`),
  ]
  const machine = `Medians of one run of \`npm run bench\` on Node ${process.versions.node}, ${cpus().length} cores.`
  await writeFile(PAGE, `${before}${START}\n${machine}\n\n${table.join('\n')}\n${END}${tail}`)
}

/** What stands after a flag. */
function after(flag: string): string | undefined {
  const at = process.argv.indexOf(flag)
  return at === -1 ? undefined : process.argv[at + 1]
}
