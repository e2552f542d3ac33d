import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import type { Clock, Hold, Ledger } from '../src/ledger/index.js'
import { sqliteLedger } from '../src/ledger/sqlite/index.js'
import { amount, CURRENCIES } from '../src/money/index.js'
import type { CounterClaim } from '../src/policy/index.js'

const UNIT = 'iso4217:USD'
const PRICE = 10_000n
const UNITS = PRICE * 1000n
const DAY = 86_400_000
/** Payments of one process that are under way together, where that is what is measured. */
export const AT_ONCE = 16
const price = amount(PRICE, CURRENCIES.pathUSD)
const terms: Hold['terms'] = {
  purpose: 'pay',
  kind: 'tempo/charge',
  network: 'eip155:4217',
  most: price,
  exact: true,
  payees: [{ id: '0x742d35cc6634c0532925a3b844bc454e4438f44e', amount: price }],
}

/** The claims of a usual policy: a day for all, a day for each vendor, a task, and a velocity. */
export function claimsAt(now: number, vendor: string, task: string): readonly CounterClaim[] {
  const day = Math.floor(now / DAY) * DAY
  const minute = Math.floor(now / 60_000) * 60_000
  const claim = (
    scope: object,
    window: string,
    from: number,
    more: Partial<CounterClaim> = {},
  ): CounterClaim => ({
    counts: 'spend',
    scope: { policy: 'bench', ...scope },
    window,
    from,
    at: from,
    amount: UNITS,
    limit: 10n ** 18n,
    rule: 'budget',
    ...more,
  })
  return [
    claim({}, 'day@UTC', day, { resetsAt: day + DAY }),
    claim({ vendor }, 'day@UTC', day, { resetsAt: day + DAY }),
    claim({ task }, 'ever', 0),
    claim({}, 'minute', minute, { counts: 'payments', amount: 1n, resetsAt: minute + 60_000 }),
  ]
}

/** Judged again where a window ended meanwhile, as a payment would be. */
async function holdOne(ledger: Ledger, n: number, run: string): ReturnType<Ledger['hold']> {
  const vendor = `https://vendor${n % 50}.example`
  const task = `task ${Math.floor(n / 20)}`
  const operation = `GET /v1/items/${n % 7}`
  const facts = await ledger.facts({ vendor, operation, agent: 'bench', unit: 'iso4217:USD' })
  const id = `${run}-${n}`
  const held = await ledger.hold({
    id,
    owner: 'bench',
    context: { agent: 'bench', tasks: [task] },
    resource: { transport: 'http', vendor, operation },
    fingerprint: `print ${id}`,
    pattern: operation,
    terms,
    decision: {
      effect: 'allow',
      reasons: [],
      claims: claimsAt(facts.now, vendor, task),
      dimensions: {
        policy: 'bench',
        agent: 'bench',
        tasks: [task],
        vendor,
        payees: { '0x742d35cc6634c0532925a3b844bc454e4438f44e': UNITS },
        network: terms.network,
        unit: UNIT,
      },
      units: UNITS,
      price: UNITS,
      unit: UNIT,
      payees: 'pin',
      facts: facts.version,
      at: facts.now,
      policy: 'hash',
    },
    doubtWindowMs: 120_000,
  })
  return !held.ok && held.why === 'stale' ? holdOne(ledger, n, run) : held
}

async function pay(ledger: Ledger, n: number, run: string): Promise<void> {
  const id = `${run}-${n}`
  const held = await holdOne(ledger, n, run)
  if (!held.ok) throw new TypeError(`The bench's payment was not held: ${held.why}`)
  const evidence = { wallet: 'tempo:0xabc', kind: terms.kind, refs: [`0x${n}`], detail: { nonce: `${n}` } }
  await ledger.advance(id, {
    to: 'committed',
    attempt: { challengeId: `challenge ${n}`, terms, evidence },
    pin: true,
    widenPin: false,
  })
  await ledger.advance(id, {
    to: 'settled',
    proof: 'receipt',
    reference: `0x${n}`,
    delivered: true,
    receipt: { success: true, reference: `0x${n}`, claims: { status: 'success', reference: `0x${n}` } },
  })
}

/** Makes `count` payments, each held, committed and settled, so many of them at once. Milliseconds taken. */
export async function payMany(ledger: Ledger, count: number, run: string, atOnce = 1): Promise<number> {
  await ledger.renew('bench', 3_600_000)
  const start = performance.now()
  let next = 0
  const payer = async (): Promise<void> => {
    while (next < count) await pay(ledger, next++, run)
  }
  await Promise.all(Array.from({ length: atOnce }, payer))
  return performance.now() - start
}

/** A ledger that grows through the ledger's own rules to `n` settled payments, spread over a month. */
export async function fillLedger(path: string, n: number): Promise<void> {
  const step = Math.floor((30 * DAY) / n)
  const clock: Clock & { time: number } = {
    time: Date.now() - 30 * DAY,
    now: () => clock.time,
    monotonic: () => clock.time,
  }
  const ledger = sqliteLedger({ path, synchronous: 'normal', clock })
  await ledger.renew('bench', 60 * DAY)
  for (let i = 0; i < n; i += AT_ONCE) {
    const size = Math.min(AT_ONCE, n - i)
    clock.time += step * size
    await Promise.all(Array.from({ length: size }, (_, more) => pay(ledger, i + more, 'fill')))
  }
  await ledger.close()
}

/** Opens a ledger and asks for the budgets of a policy. Milliseconds taken. */
export async function openAndAsk(path: string): Promise<number> {
  const start = performance.now()
  const ledger = sqliteLedger({ path, synchronous: 'normal' })
  const claims = claimsAt(Date.now(), 'https://vendor1.example', 'task 1')
  await ledger.room(claims)
  for (const claim of claims.slice(0, 1)) await ledger.room(await ledger.family(claim, 'vendor'))
  const taken = performance.now() - start
  await ledger.close()
  return taken
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = mkdtempSync(join(tmpdir(), 'purser-bench-'))
  const path = join(folder, 'ledger.db')
  const count = Number(process.argv[2] ?? 5000)
  const stored = Number(process.argv[3] ?? 0)
  if (stored > 0) {
    const start = performance.now()
    await fillLedger(path, stored)
    const size = Math.round(statSync(path).size / 1e6)
    console.log(`filled ${stored}: ${Math.round(performance.now() - start)} ms, ${size} MB`)
    console.log(`open and ask: ${(await openAndAsk(path)).toFixed(1)} ms`)
  }
  for (const synchronous of ['normal', 'full'] as const) {
    const ledger = sqliteLedger({ path, synchronous })
    await payMany(ledger, Math.min(count, 500), `warm ${synchronous}`)
    const ms = await payMany(ledger, count, synchronous)
    console.log(`synchronous ${synchronous}: ${Math.round((count / ms) * 1000)} payments/s`)
    await ledger.close()
  }
  rmSync(folder, { recursive: true })
}
