import type { DueQuery, Payment, Verdict } from '../../ledger/index.js'
import { count } from '../../money/index.js'
import { asAgreed } from '../../policy/index.js'
import { untilAborted } from '../../util/until-aborted.js'
import type { Env } from '../env.js'
import { transition, tryTransition } from '../transition.js'
import {
  abandonPayment,
  inspectAttempt,
  markUnresolved,
  nextInspection,
  releaseAbandonedHold,
  settleByChain,
  voidMove,
} from './inspection.js'

/** The result of a recovery. */
export interface Recovery {
  readonly settled: number
  readonly released: number
  /** Payments still in doubt, including those of `unseen`. */
  readonly open: number
  /**
   * Payments in doubt that this purser cannot inspect, because the wallet that made them is not among its `wallets`.
   */
  readonly unseen: readonly UnseenDoubts[]
  /** Payments whose fee was read from the chain. */
  readonly fees: number
}

/** Payments in doubt of one wallet that this purser does not have. */
export interface UnseenDoubts {
  /**
   * The wallet that could inspect them: its kind, and the account or key that it needs. For example `tempo:0x15d3…`.
   */
  readonly wallet: string
  readonly payments: number
}

/** Which payments a recovery inspects, and how. */
export interface RecoveryPlan extends Omit<DueQuery, 'wallets' | 'which'> {
  /** Asked before each payment. Default: inspects all of them. */
  readonly choose?: (payment: Payment) => 'look' | 'pass' | 'stop'
  /** If it aborts, nothing more is inspected, and an inspection that hangs is not waited for. */
  readonly signal?: AbortSignal
  /** Awaited between two batches, so that other work gets the event loop. */
  readonly turn?: () => Promise<void>
  /** Gets the result for each payment. */
  readonly found?: (before: Payment, after: Payment) => void
}

/** How many payments are inspected at once: a node is not flooded, and one slow answer does not hold up all others. */
const AT_ONCE = 8
/** A rail that answers nothing in one batch for longer than this is left out of the rest of the recovery. */
const SLOW_MS = 5_000

/**
 * Ends payments in doubt: releases holds whose process ended before it signed, inspects credentials whose owner is gone
 * or whose evidence is due, and reads fees. A few at a time. The process takes each payment over first, so that two
 * recoveries never work on the same one. It waits for a wallet that does not answer as long as a call would, once for
 * each rail.
 */
export async function runRecovery(
  env: Env,
  which: DueQuery['which'],
  plan: RecoveryPlan = {},
): Promise<Recovery> {
  const tally = { settled: 0, released: 0, open: 0, unseen: [], fees: 0 }
  const silent = new Set<string>()
  for await (const batch of batches(env, which, plan)) {
    await env.keepAlive()
    const inspected = await Promise.all(
      batch.map((payment) =>
        payment.state !== 'held' && silent.has(railOf(payment))
          ? { before: payment, after: payment, slow: true }
          : inspectInTime(payment, env, plan.signal),
      ),
    )
    for (const each of inspected) {
      plan.found?.(each.before, each.after)
      const end = endOf(each)
      if (end !== undefined) tally[end]++
    }
    noteSilentRails(inspected, silent)
    await plan.turn?.()
  }
  plan.signal?.throwIfAborted()
  return tally
}

/** Does the same as {@link runRecovery}, and also counts the payments that this process can never inspect. */
export async function runRecoveryWithUnseen(
  env: Env,
  which: DueQuery['which'],
  plan: RecoveryPlan = {},
): Promise<Recovery> {
  const recovery = await runRecovery(env, which, plan)
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

interface Inspected {
  readonly before: Payment
  readonly after: Payment
  /** Whether it took so long that the rail may not answer at all. */
  readonly slow: boolean
}

function endOf({ before, after }: Inspected): Exclude<keyof Recovery, 'unseen'> | undefined {
  if (after.state === 'released') return 'released'
  if (before.state === 'settled') return hasNews({ before, after }) ? 'fees' : undefined
  return after.state === 'settled' ? 'settled' : 'open'
}

function hasNews({ before, after }: Pick<Inspected, 'before' | 'after'>): boolean {
  return after.state !== before.state || (after.fee !== undefined && before.fee === undefined)
}

/** A rail is silent if all its inspections in one batch were slow and brought nothing. */
function noteSilentRails(inspected: readonly Inspected[], silent: Set<string>): void {
  const heard = new Set(
    inspected.filter((each) => !each.slow || hasNews(each)).map(({ before }) => railOf(before)),
  )
  for (const { before } of inspected) if (!heard.has(railOf(before))) silent.add(railOf(before))
}

/** The wallet and the network that are asked: the nodes of one chain may hang when those of another answer. */
function railOf({ attempts, terms }: Payment): string {
  return `${attempts.at(-1)?.evidence.wallet} ${terms.network}`
}

/** The payments that the ledger gives, a few at a time. */
async function* batches(
  env: Env,
  which: DueQuery['which'],
  plan: RecoveryPlan,
): AsyncIterable<readonly Payment[]> {
  const { choose, signal, turn: _, found: _f, ...query } = plan
  const wallets = env.wallets.map(({ id }) => id)
  let batch: Payment[] = []
  for await (const payment of env.ledger.due({ ...query, wallets, which })) {
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

/** An inspection that hangs does not stop the recovery. Its result is still recorded if it comes later. */
async function inspectInTime(before: Payment, env: Env, signal: AbortSignal | undefined): Promise<Inspected> {
  const start = env.clock.monotonic()
  const late = AbortSignal.timeout(env.patienceMs)
  const ends = signal === undefined ? late : AbortSignal.any([late, signal])
  try {
    const after = await untilAborted(
      env.schedule.during(before.id, () => recoverOne(before, env)),
      ends,
    )
    return { before, after, slow: env.clock.monotonic() - start > SLOW_MS }
  } catch (error) {
    if (signal?.aborted) return { before, after: before, slow: false }
    if (!late.aborted || error !== late.reason) throw error
    env.emitter.emit('error', { error, during: 'recovery' })
    const recheckAt = nextInspection(before, env.clock.now())
    const after =
      before.state === 'committed'
        ? await markUnresolved(before, env, { recheckAt })
        : await readFeeLater(before, env)
    return { before, after, slow: true }
  }
}

async function recoverOne(payment: Payment, env: Env): Promise<Payment> {
  if (payment.state === 'held') return releaseAbandonedHold(payment, env)
  if (payment.state === 'settled') return readFee(payment, env)
  // If a call of this process continues the payment, recovery leaves it to that call.
  return (await env.locks.recovery(payment.id, () => recoverDoubt(payment, env))) ?? payment
}

async function recoverDoubt(payment: Payment, env: Env): Promise<Payment> {
  const taken = await tryTransition(payment.id, { to: 'taken-over', owner: env.owner }, env)
  if (!taken.ok) return taken.payment
  const { payment: after } = await abandonPayment(taken.payment, env)
  if (after.state !== 'committed') env.schedule.forget(after.id)
  else if (after.recheckAt === undefined) {
    // The ledger gives a doubt without a time at once: background recovery leaves it out until then.
    const at = nextInspection(after, env.clock.now())
    env.schedule.postpone(after.id, at)
    env.scheduleRecheck(at)
  }
  return after
}

/**
 * Reads the fee of a payment that a receipt settled. Until then the payment counts with the largest fee it can have.
 */
async function readFee(payment: Payment, env: Env): Promise<Payment> {
  const after = await inspectFee(payment, env)
  return after.state === 'settled' && after.fee === undefined ? readFeeLater(after, env) : after
}

/** The fee could not be read yet: it is read again later, each time after twice as long. */
function readFeeLater(payment: Payment, env: Env): Promise<Payment> {
  const recheckAt = nextInspection(payment, env.clock.now())
  env.scheduleRecheck(recheckAt)
  return transition(payment, { to: 'settled', proof: payment.proof ?? 'receipt', recheckAt }, env)
}

async function inspectFee(payment: Payment, env: Env): Promise<Payment> {
  let current = payment
  let open = false
  for (const [index, attempt] of payment.attempts.entries()) {
    if (attempt.void !== undefined) continue
    const verdict = await inspectAttempt({ payment: current, index }, env)
    if (verdict.state === 'settled') {
      const fee = verdict.fee === undefined ? undefined : asAgreed(verdict.fee, attempt.terms)
      const unread = fee === undefined || count(fee, env.policy.unit) === undefined
      return unread ? current : settleByChain(current, { verdict, agreed: attempt.terms.most }, env)
    }
    if (verdict.state !== 'void' || payment.proof !== 'receipt') {
      open = true
      current = await recordFee(current, verdict.fee && asAgreed(verdict.fee, attempt.terms), env)
      continue
    }
    const last = !open && current.attempts.every((each, at) => at === index || each.void !== undefined)
    if (last) return releaseUntrue(current, verdict, env)
    current = await transition(current, voidMove(index, verdict), env)
  }
  return current
}

/** Records the fee of a credential that may still settle or not: only the fee is final. */
async function recordFee(payment: Payment, fee: Verdict['fee'], env: Env): Promise<Payment> {
  const { proof } = payment
  if (fee === undefined || payment.fee !== undefined || proof === undefined) return payment
  if (count(fee, env.policy.unit) === undefined) return payment
  return transition(payment, { to: 'settled', proof, fee }, env)
}

/** The server sent a receipt for money that did not move and never can. The budget gets it back. */
function releaseUntrue(
  payment: Payment,
  verdict: Extract<Verdict, { state: 'void' }>,
  env: Env,
): Promise<Payment> {
  const { reason, fee, lane } = verdict
  env.emitter.emit('anomaly', {
    kind: 'receipt_untrue',
    payment: payment.id,
    message: 'A receipt came for a payment that is proven void. It does not count any more.',
  })
  return transition(
    payment,
    {
      to: 'released',
      reason,
      ...(fee === undefined ? {} : { fee }),
      ...(lane === undefined ? {} : { lane }),
    },
    env,
  )
}
