import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createPurser, type PolicyDocument, type Purser } from '../src/index.js'
import { sqliteLedger } from '../src/ledger/sqlite/index.js'
import { tempo } from '../src/wallet/tempo/index.js'
import { fillHistory } from './history.js'
import { median, type Row } from './measure.js'
import { account, alphaUSD, CHAIN_ID, policy, stubNode, stubServer, URL_PAID } from './stubs.js'

const SMALL = 100

/** One thing that users do with a ledger. */
interface Operation {
  readonly what: string
  readonly policy?: PolicyDocument
  /** How often it is measured, after one time that is not. 0: the first time alone is measured. */
  readonly times: number
  run(purser: Purser, path: string): Promise<unknown>
}

/** What it cost on one ledger, in milliseconds. */
interface Cost {
  readonly took: number
  /** The longest time that the event loop did not turn. */
  readonly stall: number
}

/** Everything was spent before: each call is refused. */
const full: PolicyDocument = { ...policy, budgets: [{ limit: '0.01 USD', per: '31d', rolling: true }] }

const OPERATIONS: readonly Operation[] = [
  { what: 'budgets()', times: 100, run: (purser) => purser.budgets() },
  { what: 'quote()', times: 100, run: (purser) => purser.quote(URL_PAID) },
  { what: 'the newest 20 of payments()', times: 50, run: (purser) => taken(purser.payments({}), 20) },
  {
    what: 'payments() of a state without payments',
    times: 50,
    run: (purser) => taken(purser.payments({ states: ['committed'] }), 20),
  },
  { what: 'recover(), nothing due', times: 20, run: (purser) => purser.recover() },
  {
    what: 'create, open and close a purser',
    times: 10,
    run: async (_, path) => {
      const purser = payerOf(path, policy)
      await purser.ready()
      await purser.close()
    },
  },
  { what: 'the first call with a new budget that is full', policy: full, times: 0, run: refused },
  { what: 'a call that is refused by a full budget', policy: full, times: 100, run: refused },
]

/** What gets dearer with age: each operation on a ledger that is nearly new, and on one that is large. */
export async function benchGrowth(stored: number): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-bench-'))
  try {
    const costs: (readonly Cost[])[] = []
    for (const size of [SMALL, stored]) {
      const path = join(folder, `${size}.db`)
      await fillHistory(path, size)
      const of: Cost[] = []
      for (const operation of OPERATIONS) of.push(await costOf(operation, path))
      costs.push(of)
    }
    const [small = [], large = []] = costs
    return OPERATIONS.flatMap(({ what }, n) => {
      const [before, after] = [small[n], large[n]]
      return before === undefined || after === undefined ? [] : [rowOf(what, stored, before, after)]
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function rowOf(what: string, stored: number, before: Cost, after: Cost): Row {
  const grown = (after.took / before.took).toFixed(1)
  return {
    what: `${what}, ${SMALL} → ${stored.toLocaleString('en')} stored`,
    measured: `${told(before)} → ${told(after)} ms, ${grown} ×; stall ${before.stall.toFixed(0)} → ${after.stall.toFixed(0)} ms`,
    target: '≤ 1.3 ×; no stall above 20 ms',
  }
}

const told = ({ took }: Cost): string => (took < 10 ? took.toFixed(2) : took.toFixed(0))

async function costOf(operation: Operation, path: string): Promise<Cost> {
  const purser = payerOf(path, operation.policy ?? policy)
  await purser.ready()
  if (operation.times > 0) await operation.run(purser, path)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const times: number[] = []
  for (let n = 0; n < Math.max(1, operation.times); n++) {
    const start = performance.now()
    await operation.run(purser, path)
    times.push(performance.now() - start)
  }
  // The timer behind the histogram must fire once more, or the last stall is missed.
  await new Promise((resolve) => setTimeout(resolve, 2))
  delay.disable()
  await purser.close()
  return { took: median(times), stall: delay.max / 1e6 }
}

function payerOf(path: string, document: PolicyDocument): Purser {
  return createPurser({
    agent: 'bench',
    currencies: [alphaUSD],
    wallets: [tempo({ account, rpc: { [CHAIN_ID]: 'http://127.0.0.1:1' }, fetch: stubNode().fetch })],
    policy: document,
    ledger: sqliteLedger({ path }),
    fetch: stubServer(),
  })
}

async function refused(purser: Purser): Promise<void> {
  const reply = await purser.fetch(URL_PAID)
  const { code } = JSON.parse(await reply.text())
  if (code !== 'refused') throw new TypeError(`the bench was not refused: ${reply.status} ${code}`)
}

async function taken<T>(all: AsyncIterable<T>, most: number): Promise<readonly T[]> {
  const some: T[] = []
  for await (const each of all) {
    some.push(each)
    if (some.length === most) break
  }
  return some
}
