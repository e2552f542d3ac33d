import { PaymentRefusedError } from '../../errors/index.js'
import type { Payment, Verdict } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import { inspectAttempt, markUnresolved, settleByChain, voidMove, walletOf } from '../recovery/inspection.js'
import { actionRequired } from '../refusal.js'
import type { SettleResult, SubmittedCredential } from '../settle/settle.js'
import { transition } from '../transition.js'
import { authorize } from './authorize.js'
import type { AuthorizedPayment, AuthorizeResult, EarlierPayment, OfferPurchase } from './purchase.js'

/**
 * Honest servers rotate challenges, so a second credential must be possible; it may exist only where **at most one
 * of the two can ever settle**: the first is proven dead, or the second excludes it. And only on terms no worse.
 *
 * @returns Undefined when no such credential can be had: the payment stays as it is.
 */
export async function replaceCredential(
  c: OfferPurchase,
  { authorized, evidence }: SubmittedCredential,
  { payment, dead }: Extract<SettleResult, { kind: 'asked' }>,
): Promise<AuthorizedPayment | undefined> {
  if (c.offers.length === 0) return undefined
  const { terms } = authorized.candidate.quote
  const { wallet } = authorized.candidate
  const earlier: EarlierPayment = {
    payment: payment.id,
    terms,
    ...(dead ? {} : { alive: { evidence, wallet } }),
  }
  const agreement = await tryAuthorize({ ...c, earlier })
  if (agreement?.kind === 'authorized') return agreement.authorized
  if (agreement?.kind !== 'wait' || agreement.until - c.env.clock.now() > c.env.patienceMs) return undefined
  return replaceAfterExpiry({ ...c, earlier: { payment: payment.id, terms } }, agreement.until, authorized)
}

/**
 * A payment that is ours now, and that nobody was answered for: on a rail where another credential can take the place of
 * the one that is out, the same purchase goes on with that, for what is offered now.
 *
 * @returns Undefined where there is no such credential.
 * @throws PaymentError `action_required` while it waits for a person.
 */
export async function continueEarlier(
  payment: Payment,
  c: OfferPurchase,
): Promise<AuthorizedPayment | undefined> {
  const index = payment.attempts.length - 1
  const attempt = payment.attempts[index]
  const wallet = walletOf(payment, index, c.env)
  // Only what can be taken back lives long enough to be worth a look of its own.
  if (wallet?.abandon === undefined || attempt === undefined || attempt.void !== undefined) return undefined
  const verdict = await inspectAttempt(payment, index, c.env)
  if (verdict.state !== 'pending') return undefined
  if (verdict.person !== undefined) {
    const left = await markUnresolved(payment, verdict.recheckAt, c.env)
    throw actionRequired(left, verdict.person.action)
  }
  if (verdict.reusable !== true) return undefined
  const alive = { evidence: attempt.evidence, wallet }
  const agreement = await tryAuthorize({
    ...c,
    earlier: { payment: payment.id, terms: attempt.terms, alive },
  })
  return agreement?.kind === 'authorized' ? agreement.authorized : undefined
}

/** Nothing excludes the first credential: wait until it cannot settle any more, see that it did not, and sign again. */
async function replaceAfterExpiry(
  c: OfferPurchase,
  until: Instant,
  authorized: AuthorizedPayment,
): Promise<AuthorizedPayment | undefined> {
  const { env, call } = c
  const death = await verdictAtExpiry(c, authorized, until)
  if (death === undefined) return undefined
  const { payment, verdict } = death
  if (verdict.state === 'settled') {
    await settleByChain(payment, authorized.candidate.quote.terms.most, verdict, env)
    return undefined
  }
  if (verdict.state !== 'void') return undefined
  await transition(payment, voidMove(payment.attempts.length - 1, verdict), env)
  call.signal?.throwIfAborted()
  const fresh = await c.requestOffers()
  const agreement = await tryAuthorize({ ...c, offers: fresh.length > 0 ? fresh : c.offers })
  return agreement?.kind === 'authorized' ? agreement.authorized : undefined
}

/** A wallet that asks to be asked again at once is not asked more often than this. */
const LEAST_PAUSE_MS = 250

/** Looks when it is due, and again while the chain has not got that far. Undefined: the ledger lost the payment. */
async function verdictAtExpiry(
  { env, call }: OfferPurchase,
  authorized: AuthorizedPayment,
  until: Instant,
): Promise<{ readonly payment: Payment; readonly verdict: Verdict } | undefined> {
  const patience = env.clock.now() + env.patienceMs
  let at = until
  for (let pause = 0; ; pause = LEAST_PAUSE_MS) {
    await env.sleep(Math.max(pause, at - env.clock.now()), call.signal)
    const payment = await env.ledger.get(authorized.payment)
    if (payment === undefined) return undefined
    const verdict = await inspectAttempt(payment, payment.attempts.length - 1, env)
    // Said this way round, so that a moment that is no number is too late as well.
    const again = verdict.state === 'pending' && verdict.recheckAt <= patience && env.clock.now() < patience
    if (!again) return { payment, verdict }
    at = verdict.recheckAt
  }
}

/** Where a refusal is no refusal of the call. */
export async function tryAuthorize(c: OfferPurchase): Promise<AuthorizeResult | undefined> {
  try {
    return await authorize(c)
  } catch (error) {
    if (!(error instanceof PaymentRefusedError)) c.env.emitter.emit('error', { error, during: 'agree' })
    return undefined
  }
}
