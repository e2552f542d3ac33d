import type { Move, Payment, Verdict } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { Problem, Receipt } from '../../protocol/index.js'
import { own } from '../../util/objects.js'
import type { Wallet } from '../../wallet/index.js'
import type { Env } from '../env.js'
import { transition } from '../transition.js'
import { firstFeeInspection } from './recovery-schedule.js'

/** What a wallet can prove about one attempt; a wallet that fails has proven nothing. */
export async function inspectAttempt(
  payment: Payment,
  index: number,
  env: Env,
  told?: Problem,
): Promise<Verdict> {
  const evidence = payment.attempts[index]?.evidence
  const wallet = walletOf(payment, index, env)
  if (evidence === undefined || wallet === undefined)
    return { state: 'unknown', reason: 'the wallet that made this payment is not here' }
  try {
    const context = own({ channels: env.ledger, ...(told && { problem: told }) })
    return own(await wallet.inspect(evidence, context))
  } catch (error) {
    env.emitter.emit('error', { error, during: 'inspect' })
    return { state: 'unknown', reason: 'the wallet could not look' }
  }
}

/** The wallet that made this credential, if it is here. */
export function walletOf({ attempts }: Payment, index: number, { wallets }: Env): Wallet | undefined {
  const name = attempts[index]?.evidence.wallet
  return wallets.find(({ id }) => id === name)
}

/** What looking came to. `open`: the last word on a credential that may still settle. */
export interface InspectionResult {
  readonly payment: Payment
  readonly open?: Extract<Verdict, { state: 'pending' | 'unknown' }> | undefined
}

/**
 * Looks at every credential of a payment: one that settled settles it, and when all are proven void it is released.
 * Anything less leaves it counting.
 */
export async function inspectPayment(payment: Payment, env: Env, told?: Problem): Promise<Payment> {
  return (await applyVerdicts((index) => inspectAttempt(payment, index, env, told), payment, env)).payment
}

/** The same, by verdicts from elsewhere. */
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
      return { payment: await settleByChain(current, attempt.terms.most, verdict, env) }
    if (verdict.state === 'void') {
      const { evidence } = attempt
      current = await transition(current, { ...voidMove(index, verdict), evidence }, env)
      // Somebody has learned more of it meanwhile: a token, for example, that may be on its way by now.
      if (current.attempts[index]?.void === undefined) open = MORE_IS_KNOWN
    } else open = verdict
  }
  if (open === undefined) {
    // Another call may have gone on with it meanwhile: what it made was not looked at.
    const attempts = payment.attempts.length
    return {
      payment: await transition(current, { to: 'released', reason: lastVoidReason(current), attempts }, env),
    }
  }
  const left = await markUnresolved(current, open.state === 'pending' ? open.recheckAt : undefined, env)
  return { payment: left, open }
}

const MORE_IS_KNOWN: Verdict & InspectionResult['open'] = {
  state: 'unknown',
  reason: 'More became known of it while it was looked at',
}

/**
 * Gives back the budget of a hold whose process is gone: it signed nothing. The process may wake up and commit at the same
 * moment. Then the payment has an attempt, and stays as it is.
 */
export function releaseAbandonedHold(payment: Payment, env: Env): Promise<Payment> {
  const reason = 'its process ended before anything was signed'
  return transition(payment, { to: 'released', reason, attempts: payment.attempts.length }, env)
}

/** A settlement proven on the rail's own record. */
export function settleByChain(
  payment: Payment,
  agreed: Payment['terms']['most'],
  verdict: Extract<Verdict, { state: 'settled' }>,
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

/** When the fee of what settles now is read, if one may have been taken: by itself, in the background. */
export function feeToRead({ fee }: Payment['terms'], env: Env): { readonly recheckAt?: Instant } {
  if (fee === undefined) return {}
  const recheckAt = firstFeeInspection(env.clock.now())
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

/** What may stand beside a doubt that is left as it is. */
export interface UnresolvedDetails {
  readonly delivered?: boolean
  readonly receipt?: Receipt | undefined
}

/**
 * Leaves a doubt: what left stays written down as in doubt, and is looked at again when that can first bring news.
 *
 * @param recheckAt When its evidence falls due, where it ever does.
 */
export function markUnresolved(
  payment: Payment,
  recheckAt: Instant | undefined,
  env: Env,
  { delivered, receipt }: UnresolvedDetails = {},
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

/** When the evidence of the latest credential falls due. */
export function recheckTimeOf({ attempts }: Payment): Instant | undefined {
  return attempts.at(-1)?.evidence.recheckAt
}
