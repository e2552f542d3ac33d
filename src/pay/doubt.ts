import { own } from '../errors/index.js'
import type { Move, MoveResult, Payment, PaymentId, Verdict } from '../ledger/index.js'
import type { Instant } from '../money/index.js'
import type { Problem, Receipt } from '../protocol/index.js'
import type { Wallet } from '../wallet/index.js'
import type { Env } from './env.js'
import { firstFeeLook } from './pace.js'

/** What a wallet can prove about one attempt; a wallet that fails has proven nothing. */
export async function look(payment: Payment, index: number, env: Env, told?: Problem): Promise<Verdict> {
  const evidence = payment.attempts[index]?.evidence
  const wallet = walletOf(payment, index, env)
  if (evidence === undefined || wallet === undefined)
    return { state: 'unknown', because: 'the wallet that made this payment is not here' }
  try {
    const context = own({ channels: env.ledger, ...(told === undefined ? {} : { told }) })
    return own(await wallet.inspect(evidence, context))
  } catch (error) {
    env.emitter.emit('error', { error, during: 'inspect' })
    return { state: 'unknown', because: 'the wallet could not look' }
  }
}

/** The wallet that made this credential, if it is here. */
export function walletOf({ attempts }: Payment, index: number, { wallets }: Env): Wallet | undefined {
  const name = attempts[index]?.evidence.wallet
  return wallets.find(({ id }) => id === name)
}

/** What looking came to. `open`: the last word on a credential that may still settle. */
export interface Examined {
  readonly payment: Payment
  readonly open?: Extract<Verdict, { state: 'pending' | 'unknown' }> | undefined
}

/**
 * Looks at every credential of a payment: one that settled settles it, and when all are proven void it is released.
 * Anything less leaves it counting.
 */
export async function examine(payment: Payment, env: Env, told?: Problem): Promise<Payment> {
  return (await examineBy((index) => look(payment, index, env, told), payment, env)).payment
}

/** The same, by verdicts from elsewhere. */
export async function examineBy(
  verdictOn: (index: number) => Promise<Verdict>,
  payment: Payment,
  env: Env,
): Promise<Examined> {
  if (payment.state !== 'committed') return { payment }
  let open: Examined['open']
  let current = payment
  for (const [index, attempt] of payment.attempts.entries()) {
    if (attempt.void !== undefined) continue
    const verdict = await verdictOn(index)
    if (verdict.state === 'settled')
      return { payment: await settle(current, attempt.terms.most, verdict, env) }
    if (verdict.state === 'void') {
      const { evidence } = attempt
      current = await advance(current, { ...voided(index, verdict), evidence }, env)
      // Somebody has learned more of it meanwhile: a token, for example, that may be on its way by now.
      if (current.attempts[index]?.void === undefined) open = MORE_IS_KNOWN
    } else open = verdict
  }
  if (open === undefined) {
    // Another call may have gone on with it meanwhile: what it made was not looked at.
    const attempts = payment.attempts.length
    return { payment: await advance(current, { to: 'released', because: lastWord(current), attempts }, env) }
  }
  const left = await leave(current, open.state === 'pending' ? open.recheckAt : undefined, env)
  return { payment: left, open }
}

const MORE_IS_KNOWN: Verdict & Examined['open'] = {
  state: 'unknown',
  because: 'More became known of it while it was looked at',
}

/**
 * Gives back the budget of a hold whose process is gone: it signed nothing. The process may wake up and commit at the same
 * moment. Then the payment has an attempt, and stays as it is.
 */
export function endHold(payment: Payment, env: Env): Promise<Payment> {
  const because = 'its process ended before anything was signed'
  return advance(payment, { to: 'released', because, attempts: payment.attempts.length }, env)
}

/** A settlement proven on the rail's own record. */
export function settle(
  payment: Payment,
  agreed: Payment['terms']['most'],
  verdict: Extract<Verdict, { state: 'settled' }>,
  env: Env,
): Promise<Payment> {
  const { amount, fee, reference, lane } = verdict
  return advance(
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
  const recheckAt = firstFeeLook(env.clock.now())
  env.lookAgain(recheckAt)
  return { recheckAt }
}

export function voided(
  attempt: number,
  verdict: Extract<Verdict, { state: 'void' }>,
): Extract<Move, { to: 'voided' }> {
  const { because, fee, lane } = verdict
  return {
    to: 'voided',
    attempt,
    because,
    ...(fee === undefined ? {} : { fee }),
    ...(lane === undefined ? {} : { lane }),
  }
}

function lastWord(payment: Payment): string {
  return payment.attempts.at(-1)?.void ?? 'nothing was sent'
}

/** What may stand beside a doubt that is left as it is. */
export interface Beside {
  readonly delivered?: boolean
  readonly receipt?: Receipt | undefined
}

/**
 * Leaves a doubt: what left stays written down as in doubt, and is looked at again when that can first bring news.
 *
 * @param recheckAt When its evidence falls due, where it ever does.
 */
export function leave(
  payment: Payment,
  recheckAt: Instant | undefined,
  env: Env,
  { delivered, receipt }: Beside = {},
): Promise<Payment> {
  if (recheckAt !== undefined) env.lookAgain(recheckAt)
  return advance(
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
export function dueAt({ attempts }: Payment): Instant | undefined {
  return attempts.at(-1)?.evidence.recheckAt
}

/** One step. Every move that can change a payment's state goes through here, so that listeners are told of it. */
export async function advance(payment: Payment, move: Move, env: Env): Promise<Payment> {
  return (await advanceById(payment.id, move, env)).payment
}

/** The same for a payment of which only the id is at hand. */
export async function advanceById(
  id: PaymentId,
  move: Move,
  { ledger, emitter }: Pick<Env, 'ledger' | 'emitter'>,
): Promise<MoveResult> {
  const moved = await ledger.advance(id, move)
  const { ok, was, payment } = moved
  // Another process may have moved it since we last saw it: the ledger says what it was.
  if (!ok || (was === payment.state && move.to !== 'committed')) return moved
  emitter.emit('payment', { payment })
  if (was === 'released' && payment.state === 'settled')
    emitter.emit('anomaly', {
      kind: 'settled_after_release',
      payment: id,
      says: 'A payment that was proven void has settled all the same. It counts.',
    })
  return moved
}
