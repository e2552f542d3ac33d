import type { DueQuery, Payment } from '../../ledger/index.js'
import { untilAborted } from '../../util/until-aborted.js'
import type { Env } from '../env.js'
import { tryTransition } from '../transition.js'
import { abandonPayment } from './abandon.js'
import { putOff, readFee } from './fees.js'
import { markUnresolved, releaseAbandonedHold } from './inspection.js'
import { nextInspection } from './recovery-schedule.js'

/** What a recovery did. */
export interface Recovery {
  readonly settled: number
  readonly released: number
  /** Still in doubt, with those that nobody here can look at. */
  readonly open: number
  /** Doubts that this purser cannot look at, because the wallet that made them is not among its `wallets`. */
  readonly unseen: readonly UnseenDoubts[]
  /** Payments whose fee was read from the chain. */
  readonly fees: number
}

/** Doubts of one wallet that is not here. */
export interface UnseenDoubts {
  /** The wallet that could look: its kind, and the account or key that it needs. For example `tempo:0x15d3…`. */
  readonly wallet: string
  readonly payments: number
}

/** What a recovery looks at, and how it goes about it. */
export interface RecoveryPlan extends Omit<DueQuery, 'wallets' | 'which'> {
  /** Asked before each payment. Default: looks at all of them. */
  readonly choose?: (payment: Payment) => 'look' | 'pass' | 'stop'
  /** Aborted: nothing more is looked at, and what hangs is not waited for. */
  readonly signal?: AbortSignal
  /** Waited for between two batches: whoever else needs the event loop has it then. */
  readonly turn?: () => Promise<void>
  /** Told what came of each payment. */
  readonly found?: (before: Payment, after: Payment) => void
}

/** How many payments are looked at together: a node is not flooded, and one slow answer does not hold up all others. */
const AT_ONCE = 8
/** A rail of which nothing in a batch was heard for longer is passed over by the rest of that recovery. */
const SLOW_MS = 5_000

/**
 * Settles what is in doubt: budget whose process died before it signed, credentials whose owner is gone or whose
 * evidence is due, fees that are unread. A few at a time. Each doubt is taken as our own first, so that two recoveries
 * never meet. A wallet that does not answer is waited for as long as a call would wait, once for each rail.
 */
export async function recover(
  env: Env,
  which: DueQuery['which'],
  plan: RecoveryPlan = {},
): Promise<Recovery> {
  const tally = { settled: 0, released: 0, open: 0, unseen: [], fees: 0 }
  const silent = new Set<string>()
  for await (const batch of batches(env, which, plan)) {
    await env.keepAlive()
    const looks = await Promise.all(batch.map((payment) => lookInTime(payment, silent, env, plan.signal)))
    for (const each of looks) {
      plan.found?.(each.before, each.after)
      const end = endOf(each)
      if (end !== undefined) tally[end]++
    }
    listen(looks, silent)
    await plan.turn?.()
  }
  plan.signal?.throwIfAborted()
  return tally
}

/** The same, asked for by a person: they also hear of the doubts that this process can never look at. */
export async function recoverAndTell(
  env: Env,
  which: DueQuery['which'],
  plan: RecoveryPlan = {},
): Promise<Recovery> {
  const recovery = await recover(env, which, plan)
  const unseen = await unseenBy(env)
  const more = unseen.reduce((sum, { payments }) => sum + payments, 0)
  return { ...recovery, open: recovery.open + more, unseen }
}

async function unseenBy({ ledger, wallets }: Env): Promise<readonly UnseenDoubts[]> {
  const here = new Set(wallets.map(({ id }) => id))
  const counts = new Map<string, number>()
  for await (const { live, attempts } of ledger.find({ states: ['committed'] })) {
    if (live) continue
    const missing = attempts.find((each) => each.void === undefined && !here.has(each.evidence.wallet))
    if (missing === undefined) continue
    const { wallet } = missing.evidence
    counts.set(wallet, (counts.get(wallet) ?? 0) + 1)
  }
  return [...counts].map(([wallet, payments]) => ({ wallet, payments }))
}

/** What one look came to. */
interface Looked {
  readonly before: Payment
  readonly after: Payment
  /** Did it take so long that its rail may not answer at all? */
  readonly slow: boolean
}

function endOf({ before, after }: Looked): Exclude<keyof Recovery, 'unseen'> | undefined {
  if (after.state === 'released') return 'released'
  if (before.state === 'settled') return hasNews({ before, after }) ? 'fees' : undefined
  return after.state === 'settled' ? 'settled' : 'open'
}

function hasNews({ before, after }: Pick<Looked, 'before' | 'after'>): boolean {
  return after.state !== before.state || (after.fee !== undefined && before.fee === undefined)
}

/** A rail is silent if all looks at it in one batch were slow and brought nothing. */
function listen(looks: readonly Looked[], silent: Set<string>): void {
  const heard = new Set(
    looks.filter((each) => !each.slow || hasNews(each)).map(({ before }) => railOf(before)),
  )
  for (const { before } of looks) if (!heard.has(railOf(before))) silent.add(railOf(before))
}

/** Whoever is asked about the payment: nodes of one chain may hang when those of another answer. */
function railOf({ attempts, terms }: Payment): string {
  return `${attempts.at(-1)?.evidence.wallet} ${terms.network}`
}

/** Payments as the ledger gives them, a few at a time. */
async function* batches(
  env: Env,
  which: DueQuery['which'],
  plan: RecoveryPlan,
): AsyncIterable<readonly Payment[]> {
  const { on, order, limit, choose, signal } = plan
  const query: DueQuery = {
    wallets: env.wallets.map(({ id }) => id),
    which,
    ...(on === undefined ? {} : { on }),
    ...(order === undefined ? {} : { order }),
    ...(limit === undefined ? {} : { limit }),
  }
  let batch: Payment[] = []
  for await (const payment of env.ledger.due(query)) {
    if (signal?.aborted) return
    const choice = choose?.(payment) ?? 'look'
    if (choice === 'stop') break
    if (choice === 'look') batch.push(payment)
    if (batch.length < AT_ONCE) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** What hangs stops nobody else's recovery. What it brings later is written down all the same. */
async function lookInTime(
  payment: Payment,
  silent: ReadonlySet<string>,
  env: Env,
  signal: AbortSignal | undefined,
): Promise<Looked> {
  const before = payment
  if (payment.state !== 'held' && silent.has(railOf(payment))) return { before, after: before, slow: true }
  const start = env.clock.monotonic()
  const late = AbortSignal.timeout(env.patienceMs)
  const ends = signal === undefined ? late : AbortSignal.any([late, signal])
  try {
    const after = await untilAborted(
      env.schedule.during(payment.id, () => recoverOne(payment, env)),
      ends,
    )
    return { before, after, slow: env.clock.monotonic() - start > SLOW_MS }
  } catch (error) {
    if (signal?.aborted) return { before, after: before, slow: false }
    if (!late.aborted || error !== late.reason) throw error
    env.emitter.emit('error', { error, during: 'recovery' })
    const at = nextInspection(payment, env.clock.now())
    const after =
      payment.state === 'committed' ? await markUnresolved(payment, at, env) : await putOff(payment, env)
    return { before, after, slow: true }
  }
}

async function recoverOne(payment: Payment, env: Env): Promise<Payment> {
  if (payment.state === 'held') return releaseAbandonedHold(payment, env)
  if (payment.state === 'settled') return readFee(payment, env)
  // A call of this process that goes on with it does better than to end it.
  return (await env.locks.recovery(payment.id, () => recoverDoubt(payment, env))) ?? payment
}

async function recoverDoubt(payment: Payment, env: Env): Promise<Payment> {
  const adopted = await tryTransition(payment.id, { to: 'taken-over', owner: env.owner }, env)
  if (!adopted.ok) return adopted.payment
  const { payment: after } = await abandonPayment(adopted.payment, env)
  notePace(after, env)
  return after
}

/** A doubt that no rail could speak about is due at once: work that nobody asked for lets it rest meanwhile. */
function notePace(after: Payment, env: Env): void {
  if (after.state !== 'committed') env.schedule.forget(after.id)
  if (after.state !== 'committed' || after.recheckAt !== undefined) return
  const at = nextInspection(after, env.clock.now())
  env.schedule.putOff(after.id, at)
  env.scheduleRecheck(at)
}
