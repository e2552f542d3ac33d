import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/entry/ledger.js'
import { createPurser, type Purser } from '../../src/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { tempoSession } from '../../src/session/index.js'
import { LOCAL_CURRENCIES } from '../chain/chain.js'
import { KEY } from '../safety/kit.js'
import { listeningNode } from '../safety/node.js'
import { CHAIN_ID, ESCROW } from '../safety/offers.js'
import { type HostileServer, hostileServer } from '../safety/server.js'
import { cuts, type Fate, kills } from './deaths.js'
import { bundlePayer, type Ended, startPayer } from './job.js'
import { sessionPolicy } from './policy.js'
import { losePower } from './power.js'

// A vendor serves whoever opens a channel, and denies the channel then. A payer dies at every step of opening it, giving it
// up and opening another one; its successor goes on. No chain is needed: a node that shows every channel open is enough.

/** More boundaries than three calls have: the last cases run to their end, and prove that. */
const BOUNDARIES = 74
const AT_ONCE = 3
/** The next process starts a minute later, when the dead one's lease has run out. */
const A_MINUTE_MS = 60_000
const PATHS = ['/opens', '/denied', '/opens-again']

interface Crash extends Fate {
  readonly ledger: string
  readonly server: HostileServer
  code: Ended['code']
}

let folder: string
let payer: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-forgotten-crash-'))
  payer = await bundlePayer('session-payer')
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await rm(payer, { force: true })
})

function successor({ server, ledger }: Crash, rpc: string): Purser {
  const clock: Clock = { now: () => Date.now() + A_MINUTE_MS, monotonic: () => performance.now() }
  return createPurser({
    agent: 'crash',
    currencies: LOCAL_CURRENCIES,
    wallets: [
      tempoSession({
        account: privateKeyToAccount(KEY),
        rpc: { [CHAIN_ID]: rpc },
        escrows: [ESCROW],
        deposit: '0.05',
      }),
    ],
    policy: sessionPolicy(server.origin, ESCROW),
    ledger: sqliteLedger({ path: ledger, clock }),
    patience: 0,
  })
}

/** Vouchers that the vendor holds, by channel: how many, and the highest total in cents. */
function vouchersOf({ paid }: HostileServer): readonly { readonly count: number; readonly cents: number }[] {
  const totals = new Map<unknown, Set<number>>()
  for (const { credential } of paid) {
    const { channelId, cumulativeAmount } = credential?.payload ?? {}
    if (cumulativeAmount === undefined) continue
    const known = totals.get(channelId) ?? new Set()
    totals.set(channelId, known.add(Number(cumulativeAmount) / 10_000))
  }
  return [...totals.values()].map((all) => ({ count: all.size, cents: Math.max(...all) }))
}

describe.each([
  ['v2', 'killed', kills(BOUNDARIES)],
  ['v1', 'cut off from power', cuts(BOUNDARIES)],
] as const)(
  'a vendor of protocol %s that denies its channels, and a payer that is %s',
  (protocol, _, fates) => {
    let node: Awaited<ReturnType<typeof listeningNode>>
    let crashes: readonly Crash[]

    beforeAll(async () => {
      node = await listeningNode()
      crashes = await Promise.all(
        fates.map(async (fate) => ({
          ...fate,
          ledger: join(folder, `${protocol} ${fate.death} ${fate.killAt}.db`),
          server: await hostileServer(`session-${protocol}-forgets`),
          code: 0,
        })),
      )
      const left = [...crashes]
      const worker = async (): Promise<void> => {
        for (let crash = left.shift(); crash !== undefined; crash = left.shift()) {
          const { server, ledger, killAt } = crash
          const place = { rpc: node.url, chain: CHAIN_ID, escrow: ESCROW as `0x${string}` }
          const job = {
            account: KEY as `0x${string}`,
            ...place,
            origin: server.origin,
            paths: PATHS,
            deposit: '0.05',
            ledger,
            killAt,
          }
          crash.code = (await startPayer(payer, job).ended).code
          if (crash.death === 'power cut') losePower(ledger)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, worker))
    }, 360_000)
    afterAll(async () => {
      await Promise.all(crashes.map(({ server }) => server.close()))
      await node.close()
    })

    it('a payer died at every step, and got through without dying', () => {
      const codes = crashes.map(({ code }) => code)
      const killed = codes.filter((code) => code === 'killed').length
      expect(killed).toBeGreaterThanOrEqual(crashes.length / 2)
      // The second of three calls is denied, so a payer that lives ends with 1. The forced close runs beside the calls, so
      // their boundaries are not the same ones each time.
      expect(codes.at(-1)).toBe(1)
      expect(codes.filter((code) => code !== 'killed' && code !== 1)).toEqual([])
    })

    it('gets no more than one denied voucher of each channel, and all of it counts', {
      timeout: 360_000,
    }, async () => {
      for (const crash of crashes) {
        const at = `after a ${crash.death} at ${crash.killAt}`
        const purser = successor(crash, node.url)
        await purser.recover({ reconcile: true })
        for (let call = 0; call < 6; call++)
          await purser.fetch(`${crash.server.origin}/next?${call}`).catch(() => undefined)
        const vouchers = vouchersOf(crash.server)
        // Who dies before it has written the denial down hears it a second time.
        const extra = vouchers.reduce((sum, { count }) => sum + Math.max(0, count - 2), 0)
        expect(extra, at).toBeLessThanOrEqual(1)
        expect(vouchers.length, at).toBeLessThanOrEqual(3)
        const [budget] = await purser.budgets()
        const counted = Number((budget?.spent ?? 0n) + (budget?.held ?? 0n)) / 10_000_000
        expect(counted, at).toBeGreaterThanOrEqual(vouchers.reduce((sum, { cents }) => sum + cents, 0))
        await purser.close()
      }
    })
  },
)
