import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { Mppx, tempo as mppxTempo } from 'mppx/client'
import { createClient, http } from 'viem'
import { tempo as tempoChain } from 'viem/tempo/chains'
import { createPurser, type Purser } from '../src/index.js'
import { sqliteLedger } from '../src/ledger/sqlite/index.js'
import { tempo } from '../src/wallet/tempo/index.js'
import { fillHistory } from './history.js'
import { median, type Row } from './measure.js'
import { account, alphaUSD, CHAIN_ID, policy, stubNode, stubServer, URL_PAID } from './stubs.js'

const AT_ONCE = [1, 16, 64] as const
const CALLS = 320
const ROUNDS = 3
const WARM_UP = 640
const SMALL = 100

/** One call that pays. `serial` is another number each time. */
type Call = (serial: number) => Promise<Response>

/** How one crowd of calls did. */
interface Crowd {
  readonly perSecond: number
  /** Milliseconds a call. */
  readonly p50: number
  readonly p99: number
  /** The longest time that the event loop did not turn, in milliseconds. */
  readonly stall: number
  /** Milliseconds of processor time a call. */
  readonly cpu: number
}

/**
 * What users run: `purser.fetch` on the default ledger, the same URL again and new ones, on a ledger that is nearly new
 * and on one that is large, for 1, 16 and 64 callers at once, beside the reference client, which keeps no ledger.
 */
export async function benchUsers(stored: number): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-bench-'))
  const theirs = referenceClient()
  try {
    const rows: Row[] = []
    for (const size of [SMALL, stored]) {
      const path = join(folder, `${size}.db`)
      await fillHistory(path, size)
      const purser = payer(path)
      const again: Call = () => purser.fetch(URL_PAID)
      const anew: Call = (serial) => purser.fetch(`${URL_PAID}?n=${serial}`)
      for (const [what, call] of [['the same URL', again] as const, ['new URLs', anew] as const])
        rows.push(
          await besideReference(`paid calls of ${what}, ${size.toLocaleString('en')} stored`, call, theirs),
        )
      await purser.close()
    }
    return rows
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function payer(path: string): Purser {
  return createPurser({
    agent: 'bench',
    currencies: [alphaUSD],
    wallets: [tempo({ account, rpc: { [CHAIN_ID]: 'http://127.0.0.1:1' }, fetch: stubNode().fetch })],
    policy,
    ledger: sqliteLedger({ path }),
    fetch: turning(stubServer()),
  })
}

function referenceClient(): Call {
  const client = createClient({
    account,
    chain: { ...tempoChain, id: CHAIN_ID },
    transport: http('http://127.0.0.1:1', { fetchFn: stubNode().fetch }),
  })
  const reference = Mppx.create({
    polyfill: false,
    fetch: turning(stubServer()),
    methods: [mppxTempo.charge({ account, getClient: () => client })],
  })
  return () => reference.fetch(URL_PAID)
}

/** A server is somewhere else: its answer never comes in the same turn of the event loop. */
function turning(server: ReturnType<typeof stubServer>): ReturnType<typeof stubServer> {
  return async (input, init) => {
    await turnOfTheLoop()
    return server(input, init)
  }
}

let serial = 0

async function besideReference(what: string, ours: Call, theirs: Call): Promise<Row> {
  await crowd(ours, WARM_UP, 16)
  await crowd(theirs, WARM_UP, 16)
  const purser: Crowd[] = []
  const mppx: Crowd[] = []
  for (const atOnce of AT_ONCE) {
    const rounds: { readonly purser: Crowd; readonly mppx: Crowd }[] = []
    for (let round = 0; round < ROUNDS; round++)
      rounds.push({ purser: await crowd(ours, CALLS, atOnce), mppx: await crowd(theirs, CALLS, atOnce) })
    purser.push(summary(rounds.map((round) => round.purser)))
    mppx.push(summary(rounds.map((round) => round.mppx)))
  }
  return {
    what: `${what}, ${AT_ONCE.join(' / ')} at once`,
    measured: `${told(purser)} (mppx ${told(mppx)})`,
    target: 'ahead of mppx at 16 and 64; no stall above 20 ms',
  }
}

async function crowd(call: Call, count: number, atOnce: number): Promise<Crowd> {
  const times: number[] = []
  let left = count
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const start = performance.now()
      const reply = await call(serial++)
      if (reply.status !== 200)
        throw new TypeError(`the bench was not paid: ${reply.status} ${await reply.text()}`)
      await reply.text()
      times.push(performance.now() - start)
    }
  }
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const busy = process.cpuUsage()
  const start = performance.now()
  await Promise.all(Array.from({ length: atOnce }, caller))
  const took = performance.now() - start
  const { user, system } = process.cpuUsage(busy)
  // The timer behind the histogram must fire once more, or the last stall is missed.
  await new Promise((resolve) => setTimeout(resolve, 2))
  delay.disable()
  times.sort((a, b) => a - b)
  return {
    perSecond: (count / took) * 1000,
    p50: times[Math.floor(count * 0.5)] ?? Number.NaN,
    p99: times[Math.floor(count * 0.99)] ?? Number.NaN,
    stall: delay.max / 1e6,
    cpu: (user + system) / 1000 / count,
  }
}

/** The median of the rounds, and the longest stall of all. */
function summary(rounds: readonly Crowd[]): Crowd {
  const of = (name: keyof Crowd): number => median(rounds.map((round) => round[name]))
  const stall = Math.max(...rounds.map((round) => round.stall))
  return { perSecond: of('perSecond'), p50: of('p50'), p99: of('p99'), stall, cpu: of('cpu') }
}

function told(crowds: readonly Crowd[]): string {
  const list = (show: (crowd: Crowd) => string): string => crowds.map(show).join(' / ')
  return [
    `${list(({ perSecond }) => Math.round(perSecond).toLocaleString('en'))} a second`,
    `p50 ${list(({ p50 }) => p50.toFixed(1))}`,
    `p99 ${list(({ p99 }) => p99.toFixed(0))}`,
    `stall ${list(({ stall }) => stall.toFixed(0))}`,
    `CPU ${list(({ cpu }) => cpu.toFixed(2))} ms`,
  ].join('; ')
}
