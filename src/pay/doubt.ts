import type { DueQuery, Move, Payment, Verdict } from '../ledger/index.js'
import { count, type Instant } from '../money/index.js'
import { asAgreed } from '../policy/index.js'
import type { Problem, Receipt } from '../protocol/index.js'
import type { Env } from './env.js'

/** What a wallet can prove about one attempt; a wallet that fails has proven nothing. */
export async function look(payment: Payment, index: number, env: Env, told?: Problem): Promise<Verdict> {
  const evidence = payment.attempts[index]?.evidence
  const wallet = env.wallets.find(({ id }) => id === evidence?.wallet)
  if (evidence === undefined || wallet === undefined)
    return { state: 'unknown', because: 'the wallet that made this payment is not here' }
  try {
    return await wallet.inspect(evidence, {
      channels: env.ledger,
      ...(told === undefined ? {} : { told }),
    })
  } catch (error) {
    env.emitter.emit('error', { error, during: 'inspect' })
    return { state: 'unknown', because: 'the wallet could not look' }
  }
}

/**
 * Looks at every credential of a payment: one that settled settles it, and when all are proven void it is released.
 * Anything less leaves it counting.
 */
export async function examine(payment: Payment, env: Env, told?: Problem): Promise<Payment> {
  if (payment.state !== 'committed') return payment
  let open: Extract<Verdict, { state: 'pending' | 'unknown' }> | undefined
  let current = payment
  for (const [index, attempt] of payment.attempts.entries()) {
    if (attempt.void !== undefined) continue
    const verdict = await look(payment, index, env, told)
    if (verdict.state === 'settled') return settle(current, attempt.terms.most, verdict, env)
    if (verdict.state === 'void') current = await advance(current, voided(index, verdict), env)
    else open = verdict
  }
  if (open === undefined) return advance(current, { to: 'released', because: lastWord(current) }, env)
  return leave(current, open.state === 'pending' ? open.recheckAt : undefined, env)
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
      ...(fee === undefined ? {} : { fee }),
      ...(lane === undefined ? {} : { lane }),
    },
    env,
  )
}

export function voided(attempt: number, verdict: Extract<Verdict, { state: 'void' }>): Move {
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
      to: 'left',
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

/** One step, told to the listeners where it got anywhere. */
export async function advance(payment: Payment, move: Move, env: Env): Promise<Payment> {
  const moved = await env.ledger.advance(payment.id, move)
  if (moved.ok && moved.payment.state !== payment.state) {
    env.emitter.emit('payment', { payment: moved.payment })
    if (payment.state === 'released' && moved.payment.state === 'settled')
      env.emitter.emit('anomaly', {
        kind: 'settled_after_release',
        payment: payment.id,
        says: 'A payment that was proven void has settled all the same. It counts.',
      })
  }
  return moved.payment
}

/** What a recovery did. */
export interface Recovery {
  readonly settled: number
  readonly released: number
  /** Still in doubt. */
  readonly open: number
  /** Payments whose fee was read from the chain. */
  readonly fees: number
}

/**
 * Settles what is in doubt: budget whose process died before it signed, credentials whose owner is gone or whose
 * evidence is due. One at a time, each taken as our own first, so that two recoveries never meet.
 */
export async function recover(env: Env, which: DueQuery['which']): Promise<Recovery> {
  const tally = { settled: 0, released: 0, open: 0, fees: 0 }
  await env.keepAlive()
  for await (const payment of env.ledger.due({ wallets: env.wallets.map(({ id }) => id), which })) {
    const after = await recoverOne(payment, env)
    if (after.state === 'released') tally.released++
    else if (payment.state === 'settled')
      tally.fees += Number(after.fee !== undefined && payment.fee === undefined)
    else if (after.state === 'settled') tally.settled++
    else tally.open++
  }
  return tally
}

async function recoverOne(payment: Payment, env: Env): Promise<Payment> {
  if (payment.state === 'held')
    return advance(payment, { to: 'released', because: 'its process ended before anything was signed' }, env)
  if (payment.state === 'settled') return readFee(payment, env)
  const adopted = await env.ledger.advance(payment.id, { to: 'adopted', owner: env.owner })
  return adopted.ok ? examine(adopted.payment, env) : adopted.payment
}

/** A payment that a receipt settled counts at its fee's bound until the fee itself was read. */
async function readFee(payment: Payment, env: Env): Promise<Payment> {
  let current = payment
  let open = false
  for (const [index, attempt] of payment.attempts.entries()) {
    if (attempt.void !== undefined) continue
    const verdict = await look(current, index, env)
    if (verdict.state === 'settled') {
      const fee = verdict.fee === undefined ? undefined : asAgreed(verdict.fee, attempt.terms)
      const unread = fee === undefined || count(fee, env.policy.unit) === undefined
      return unread ? current : settle(current, verdict.amount ?? attempt.terms.most, verdict, env)
    }
    if (verdict.state !== 'void' || payment.proof !== 'receipt') {
      open = true
      current = await learnFee(current, verdict.fee && asAgreed(verdict.fee, attempt.terms), env)
      continue
    }
    const last = !open && current.attempts.every((each, at) => at === index || each.void !== undefined)
    if (last) return untrue(current, verdict, env)
    current = await advance(current, voided(index, verdict), env)
  }
  return current
}

/** What was taken for a credential whose own end is still to come: only the fee is final. */
async function learnFee(payment: Payment, fee: Verdict['fee'], env: Env): Promise<Payment> {
  const { proof } = payment
  if (fee === undefined || payment.fee !== undefined || proof === undefined) return payment
  if (count(fee, env.policy.unit) === undefined) return payment
  return advance(payment, { to: 'settled', proof, fee }, env)
}

/** The server gave a receipt for money that never moved, and never can. The budget has it back. */
function untrue(payment: Payment, verdict: Extract<Verdict, { state: 'void' }>, env: Env): Promise<Payment> {
  const { because, fee, lane } = verdict
  env.emitter.emit('anomaly', {
    kind: 'receipt_untrue',
    payment: payment.id,
    says: 'A receipt came for a payment that is proven void. It does not count any more.',
  })
  return advance(
    payment,
    {
      to: 'released',
      because,
      ...(fee === undefined ? {} : { fee }),
      ...(lane === undefined ? {} : { lane }),
    },
    env,
  )
}
