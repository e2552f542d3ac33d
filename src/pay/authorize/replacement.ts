import { PaymentRefusedError } from '../../errors/index.js'
import type { Payment, Verdict } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { SubmittedCredential } from '../purchase.js'
import {
  type AuthorizedPayment,
  type AuthorizeResult,
  type EarlierPayment,
  type OfferPurchase,
  requestOffers,
} from '../purchase.js'
import { inspectAttempt, markUnresolved, settleByChain, voidMove, walletOf } from '../recovery/inspection.js'
import { actionRequired } from '../refusal.js'
import type { SettleResult } from '../settle.js'
import { transition } from '../transition.js'
import { authorize } from './authorize.js'

/**
 * Makes a second credential for a payment whose server asks again, because honest servers rotate challenges. It may
 * exist only if **at most one of the two can ever settle**: the first is proven void, or the second excludes it. Its
 * terms must be no worse.
 *
 * @returns Undefined if there can be no such credential: the payment stays as it is.
 */
export async function replaceCredential(
  purchase: OfferPurchase,
  { authorized, evidence }: Pick<SubmittedCredential, 'authorized' | 'evidence'>,
  { payment, dead }: Pick<Extract<SettleResult, { kind: 'asked' }>, 'payment' | 'dead'>,
): Promise<AuthorizedPayment | undefined> {
  const { env } = purchase
  if (purchase.offers.length === 0) return undefined
  const { terms } = authorized.candidate.quote
  const { wallet } = authorized.candidate
  const earlier: EarlierPayment = {
    payment: payment.id,
    terms,
    alive: dead ? undefined : { evidence, wallet },
  }
  const result = await tryAuthorize({ ...purchase, earlier })
  if (result?.kind === 'authorized') return result.authorized
  if (result?.kind !== 'wait' || result.until - env.clock.now() > env.patienceMs) return undefined
  return replaceAfterExpiry(
    { ...purchase, earlier: { payment: payment.id, terms } },
    result.until,
    authorized,
  )
}

/**
 * Makes a second credential for an earlier payment of the same purchase that this process has taken over, if the rail
 * allows one credential to take the place of another.
 *
 * @returns Undefined if there is no such credential.
 * @throws PaymentError `action_required` while it waits for a person.
 */
export async function continueEarlier(
  payment: Payment,
  purchase: OfferPurchase,
): Promise<AuthorizedPayment | undefined> {
  const { env } = purchase
  const index = payment.attempts.length - 1
  const attempt = payment.attempts[index]
  const wallet = walletOf(payment, index, env)
  // Only a credential that its wallet can abandon lives long enough to be replaced.
  if (wallet?.abandon === undefined || attempt === undefined || attempt.void !== undefined) return undefined
  const verdict = await inspectAttempt({ payment, index }, env)
  if (verdict.state !== 'pending') return undefined
  if (verdict.person !== undefined) {
    const left = await markUnresolved(payment, env, { recheckAt: verdict.recheckAt })
    throw actionRequired(left, verdict.person.action)
  }
  if (verdict.reusable !== true) return undefined
  const alive = { evidence: attempt.evidence, wallet }
  const earlier: EarlierPayment = { payment: payment.id, terms: attempt.terms, alive }
  const result = await tryAuthorize({ ...purchase, earlier })
  return result?.kind === 'authorized' ? result.authorized : undefined
}

/**
 * Nothing excludes the first credential: waits until it cannot settle any more, checks that it did not, and signs
 * again.
 */
async function replaceAfterExpiry(
  purchase: OfferPurchase,
  until: Instant,
  authorized: AuthorizedPayment,
): Promise<AuthorizedPayment | undefined> {
  const { env, call } = purchase
  const expired = await verdictAtExpiry(purchase, until, authorized)
  if (expired === undefined) return undefined
  const { payment, verdict } = expired
  if (verdict.state === 'settled') {
    const { most: agreed } = authorized.candidate.quote.terms
    await settleByChain(payment, { verdict, agreed }, env)
    return undefined
  }
  if (verdict.state !== 'void') return undefined
  await transition(payment, voidMove(payment.attempts.length - 1, verdict), env)
  call.signal?.throwIfAborted()
  const fresh = await requestOffers(purchase)
  const result = await tryAuthorize({ ...purchase, offers: fresh.length > 0 ? fresh : purchase.offers })
  return result?.kind === 'authorized' ? result.authorized : undefined
}

/** A wallet that asks to be asked again at once is not asked more often than this. */
const LEAST_PAUSE_MS = 250

/**
 * Inspects the credential when it expires, and again while the chain is behind. Undefined if the ledger lost the
 * payment.
 */
async function verdictAtExpiry(
  { env, call }: OfferPurchase,
  until: Instant,
  authorized: AuthorizedPayment,
): Promise<{ readonly payment: Payment; readonly verdict: Verdict } | undefined> {
  const patience = env.clock.now() + env.patienceMs
  let at = until
  for (let pause = 0; ; pause = LEAST_PAUSE_MS) {
    await env.sleep(Math.max(pause, at - env.clock.now()), call.signal)
    const payment = await env.ledger.get(authorized.payment)
    if (payment === undefined) return undefined
    const verdict = await inspectAttempt({ payment, index: payment.attempts.length - 1 }, env)
    // Compared in this direction so that a time that is NaN also ends the loop.
    const again = verdict.state === 'pending' && verdict.recheckAt <= patience && env.clock.now() < patience
    if (!again) return { payment, verdict }
    at = verdict.recheckAt
  }
}

/** Authorizes a payment whose refusal does not refuse the call: undefined then. */
export async function tryAuthorize(purchase: OfferPurchase): Promise<AuthorizeResult | undefined> {
  try {
    return await authorize(purchase)
  } catch (error) {
    if (!(error instanceof PaymentRefusedError))
      purchase.env.emitter.emit('error', { error, during: 'authorize' })
    return undefined
  }
}
