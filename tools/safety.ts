import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { GROUPS } from '../test/safety/cases/index.js'
import { CLIENTS, type Client } from '../test/safety/clients.js'
import { CELLS, type Cell } from '../test/safety/matrix/cells.js'
import { generated, isDefended, PAGE, pageWith, printed } from '../test/safety/table.js'
import { type Trial, tryCase } from '../test/safety/trial.js'

/**
 * Puts clients through hostile servers on real sockets. `--client mppx` tries another client beside Purser, `--only`
 * the cases with these words, `--json` is for programs, `--write` renews the tables of docs/safety.md. Exit code 1 if
 * Purser does not defend a case, or a dependency's fault does not fail closed.
 */
const { values } = parseArgs({
  options: {
    client: { type: 'string', multiple: true, default: [] },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})

/** Cases wait more than they work; those that measure memory go one at a time. */
const AT_ONCE = 8

/** Rejections that nobody handled, by the client that was being tried: they would end its process. */
const unhandled = new Map<string, number>()
let trying = ''
process.on('unhandledRejection', () => unhandled.set(trying, (unhandled.get(trying) ?? 0) + 1))

const clients = ['purser', ...values.client].map(clientOf)
const trials: Trial[] = []
for (const client of clients) trials.push(...(await tryAll(client)))
trying = 'purser'
const open = values.only === '' && !values.json ? await tryCells() : []

if (values.json) console.log(JSON.stringify(trials))
else console.log(printed(trials, clients))
for (const { dependency, way, how } of open)
  console.log(`${dependency} over ${way}: ${how}: it does not fail closed`)
if (values.only === '' && !values.json)
  console.log(`${CELLS.length - open.length} of ${CELLS.length} faults fail closed`)
for (const [name, count] of unhandled) console.error(`${count} unhandled rejections while ${name} was tried`)
const lost = trials.filter((trial) => trial.client === 'purser' && !isDefended(trial))
const broken = lost.length + open.length + (unhandled.get('purser') ?? 0)
if (values.write && broken === 0) await writeFile(PAGE, await pageWith(generated(trials)))
process.exit(broken === 0 ? 0 : 1)

function clientOf(name: string): Client {
  const client = CLIENTS.find((each) => each.name === name)
  if (client !== undefined) return client
  throw new TypeError(`There is no client ${name}: ${CLIENTS.map((each) => each.name).join(', ')}`)
}

async function tryAll(client: Client): Promise<readonly Trial[]> {
  trying = client.name
  const found: Trial[] = []
  for (const { cases, alone } of GROUPS) {
    const queue = cases
      .filter(
        ({ attack, rail = 'tempo' }) => attack.includes(values.only) && client.hears[rail] !== undefined,
      )
      .map((one) => async () => void found.push(await tryCase(one, client)))
    await drain(queue, alone ? 1 : AT_ONCE)
  }
  return found
}

/** Those that did not fail closed. */
async function tryCells(): Promise<readonly Cell[]> {
  const found: Cell[] = []
  const one = (cell: Cell) => async () => {
    if ((await cell.run()).length > 0) found.push(cell)
  }
  await drain(CELLS.filter(({ alone }) => !alone).map(one), AT_ONCE)
  await drain(CELLS.filter(({ alone }) => alone).map(one), 1)
  return found
}

async function drain(queue: readonly (() => Promise<void>)[], atOnce: number): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    for (let job = queue[next++]; job !== undefined; job = queue[next++]) await job()
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}
