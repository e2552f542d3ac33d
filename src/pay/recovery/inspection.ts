import type { Move, Payment, Verdict } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { Problem, Receipt } from '../../protocol/index.js'
import { own } from '../../util/objects.js'
import type { Wallet } from '../../wallet/index.js'
import type { Env } from '../env.js'
import type { AuthorizedPayment } from '../purchase.js'
import { transition, tryTransition } from '../transition.js'

/** One credential of a payment. */
export interface AttemptQuery {
  readonly payment: Payment
  /** The index of the credential among the payment's attempts. */
  readonly index: number
  /** What the server answered to the credential. */
  readonly problem?: Problem | undefined
}

/** Asks the wallet what became of a credential. A wallet that fails has proven nothing. */
export async function inspectAttempt({ payment, index, problem }: AttemptQuery, env: Env): Promise<Verdict> {
  const evidence = payment.attempts[index]?.evidence
  const wallet = walletOf(payment, index, env)
  if (evidence === undefined || wallet === undefined)
    return { state: 'unknown', reason: 'the wallet that made this payment is not here' }
  try {
    const context = own({ channels: env.ledger, ...(problem && { problem }) })
    return own(await wallet.inspect(evidence, context))
  } catch (error) {
    env.emitter.emit('error', { error, during: 'inspect' })
    return { state: 'unknown', reason: 'the wallet could not look' }
  }
}

/** The wallet that made a credential. Undefined if this purser does not have it. */
export function walletOf({ attempts }: Payment, index: number, { wallets }: Env): Wallet | undefined {
  const name = attempts[index]?.evidence.wallet
  return wallets.find(({ id }) => id === name)
}

/** The result of an inspection. `open`: the last verdict on a credential that may still settle. */
export interface InspectionResult {
  readonly payment: Payment
  readonly open?: Extract<Verdict, { state: 'pending' | 'unknown' }> | undefined
}

/**
 * Inspects every credential of a payment. If one settled, the payment is settled. If all are proven void, it is
 * released. Otherwise it keeps counting.
 */
export async function inspectPayment(payment: Payment, env: Env): Promise<Payment> {
  return (await inspectAll({ payment }, env)).payment
}

function inspectAll({ payment, problem }: Omit<AttemptQuery, 'index'>, env: Env): Promise<InspectionResult> {
  return applyVerdicts((index) => inspectAttempt({ payment, index, problem }, env), payment, env)
}

/** Does the same as {@link inspectPayment}, with verdicts of another source. */
export async function applyVerdicts(
  verdictOn: (index: number) => Promise<Verdict>,
  payment: Payment,
  env: Env,
): Promise<InspectionResult> {
  if (payment.state !== 'committed') return { payment }
  let open: InspectionResult['open']
  let current = payment
  for (const [index, attempt] of payment.attempts.entries()) {
    if (attempt.void !== undefined) continue
    const verdict = await verdictOn(index)
    if (verdict.state === 'settled')
      return { payment: await settleByChain(current, { verdict, agreed: attempt.terms.most }, env) }
    if (verdict.state === 'void') {
      const { evidence } = attempt
      current = await transition(current, { ...voidMove(index, verdict), evidence }, env)
      // Another call may have learned more meanwhile, such as a token that may be on its way now.
      if (current.attempts[index]?.void === undefined) open = MORE_IS_KNOWN
    } else open = verdict
  }
  if (open === undefined) {
    // Another call may have continued the payment meanwhile, and its new attempt was not inspected.
    const attempts = payment.attempts.length
    return {
      payment: await transition(current, { to: 'released', reason: lastVoidReason(current), attempts }, env),
    }
  }
  const recheckAt = open.state === 'pending' ? open.recheckAt : undefined
  return { payment: await markUnresolved(current, env, { recheckAt }), open }
}

const MORE_IS_KNOWN: Verdict & InspectionResult['open'] = {
  state: 'unknown',
  reason: 'More became known of it while it was looked at',
}

/**
 * Ends a payment whose credentials no call continues: a credential that its wallet can make void is made void. It never
 * does so if the answer was delivered, if the payment waits for a person, or if another process works on it.
 *
 * @param problem What the server answered.
 */
export async function abandonPayment(
  payment: Payment,
  env: Env,
  problem?: Problem,
): Promise<InspectionResult> {
  if (payment.state !== 'committed' || !canAbandon(payment, env)) return inspectAll({ payment, problem }, env)
  // The process takes the payment over first: another one that took it over may be sending its credential right now.
  const { ok, payment: ours } = await tryTransition(payment.id, { to: 'taken-over', owner: env.owner }, env)
  if (!ok) return { payment: ours }
  return applyVerdicts((index) => lastVerdict({ payment: ours, index, problem }, env), ours, env)
}

/**
 * Abandons the payment of a call that has ended. If no wallet can make a credential void, the payment is first recorded
 * as unresolved, so that a crash during the inspection changes nothing.
 */
export async function abandonCall(
  { payment, recheckAt, problem }: Omit<AttemptQuery, 'index'> & { readonly recheckAt: Instant | undefined },
  env: Env,
): Promise<InspectionResult> {
  const left = canAbandon(payment, env) ? payment : await markUnresolved(payment, env, { recheckAt })
  return abandonPayment(left, env, problem)
}

function canAbandon(payment: Payment, env: Env): boolean {
  return payment.attempts.some((_, index) => walletOf(payment, index, env)?.abandon !== undefined)
}

/** The verdict on a credential after its wallet has tried to make it void. */
async function lastVerdict(attempt: AttemptQuery, env: Env): Promise<Verdict> {
  const { payment, index } = attempt
  const seen = await inspectAttempt(attempt, env)
  const waiting = seen.state === 'pending' && seen.person !== undefined
  const over = seen.state === 'settled' || seen.state === 'void'
  if (over || waiting || payment.delivered) return seen
  const evidence = payment.attempts[index]?.evidence
  const wallet = walletOf(payment, index, env)
  try {
    return (evidence && (await wallet?.abandon?.(evidence))) ?? seen
  } catch (error) {
    env.emitter.emit('error', { error, during: 'abandon' })
    return seen
  }
}

/**
 * Leaves a payment that was committed after its caller had gone. It is never sent, and counts until its wallet proves
 * it void.
 */
export async function abandonUnsent({ committed }: AuthorizedPayment, env: Env): Promise<void> {
  try {
    await inspectPayment(await markUnresolved(committed, env, { recheckAt: recheckTimeOf(committed) }), env)
  } catch (error) {
    env.emitter.emit('error', { error, during: 'looking after an abort' })
  }
}

/**
 * Gives back the budget of a hold whose process is gone: it signed nothing. The process may wake up and commit at the
 * same moment. Then the payment has an attempt, and stays as it is.
 */
export function releaseAbandonedHold(payment: Payment, env: Env): Promise<Payment> {
  const reason = 'its process ended before anything was signed'
  return transition(payment, { to: 'released', reason, attempts: payment.attempts.length }, env)
}

/**
 * Settles a payment by the rail's own record.
 *
 * @param proof.agreed The amount that counts if the verdict names none.
 */
export function settleByChain(
  payment: Payment,
  {
    verdict,
    agreed,
  }: {
    readonly verdict: Extract<Verdict, { state: 'settled' }>
    readonly agreed: Payment['terms']['most']
  },
  env: Env,
): Promise<Payment> {
  const { amount, fee, reference, lane } = verdict
  return transition(
    payment,
    {
      to: 'settled',
      proof: 'chain',
      reference,
      spent: amount ?? agreed,
      ...(fee === undefined ? feeToRead(payment.terms, env) : { fee }),
      ...(lane === undefined ? {} : { lane }),
    },
    env,
  )
}

/**
 * When the fee of a payment that settles now is read, if one may have been taken. Recovery reads it in the background.
 */
export function feeToRead({ fee }: Payment['terms'], env: Env): { readonly recheckAt?: Instant } {
  if (fee === undefined) return {}
  const recheckAt = onGrid(env.clock.now() + FIRST_MS)
  env.scheduleRecheck(recheckAt)
  return { recheckAt }
}

export function voidMove(
  attempt: number,
  verdict: Extract<Verdict, { state: 'void' }>,
): Extract<Move, { to: 'voided' }> {
  const { reason, fee, lane } = verdict
  return {
    to: 'voided',
    attempt,
    reason,
    ...(fee === undefined ? {} : { fee }),
    ...(lane === undefined ? {} : { lane }),
  }
}

function lastVoidReason(payment: Payment): string {
  return payment.attempts.at(-1)?.void ?? 'nothing was sent'
}

/**
 * Records that it is not known what became of a payment, and inspects it again at the next time that can bring news.
 *
 * @param details.recheckAt The time at which the evidence is due, if it is ever due.
 */
export function markUnresolved(
  payment: Payment,
  env: Env,
  {
    recheckAt,
    delivered,
    receipt,
  }: {
    readonly recheckAt?: Instant | undefined
    readonly delivered?: boolean
    readonly receipt?: Receipt | undefined
  },
): Promise<Payment> {
  if (recheckAt !== undefined) env.scheduleRecheck(recheckAt)
  return transition(
    payment,
    {
      to: 'unresolved',
      ...(recheckAt === undefined ? {} : { recheckAt }),
      ...(delivered === undefined ? {} : { delivered }),
      ...(receipt === undefined ? {} : { receipt }),
    },
    env,
  )
}

/** The time at which the evidence of the latest credential is due. */
export function recheckTimeOf({ attempts }: Payment): Instant | undefined {
  return attempts.at(-1)?.evidence.recheckAt
}

/** The wait before the first inspection of a payment, and the longest wait between two. */
const FIRST_MS = 10_000
const LONGEST_MS = 86_400_000
/** Times are rounded up to multiples of this, so that payments are inspected in batches. */
const GRID_MS = 5_000

/**
 * When to inspect a payment again after an inspection that brought nothing: after as long as it has existed, so each
 * wait is twice the one before. The wait is at least ten seconds and at most a day. No payment is ever given up.
 */
export function nextInspection({ attempts, createdAt }: Payment, now: Instant): Instant {
  const age = now - (attempts.at(-1)?.at ?? createdAt)
  return onGrid(now + Math.min(Math.max(age, FIRST_MS), LONGEST_MS))
}

function onGrid(at: Instant): Instant {
  return Math.ceil(at / GRID_MS) * GRID_MS
}
