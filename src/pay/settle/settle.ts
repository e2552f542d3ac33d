import type { Evidence, Payment, Verdict } from '../../ledger/index.js'
import type { Receipt, ReplyInfo } from '../../protocol/index.js'
import { hasNothingLeft } from '../../wallet/index.js'
import type { AuthorizedPayment } from '../authorize/purchase.js'
import type { Call, Env } from '../env.js'
import { abandonCall } from '../recovery/abandon.js'
import {
  applyVerdicts,
  feeToRead,
  type InspectionResult,
  inspectAttempt,
  inspectPayment,
  markUnresolved,
  settleByChain,
  voidMove,
} from '../recovery/inspection.js'
import type { LiveCredential } from '../submit/live-credentials.js'
import type { Submission } from '../submit/submit.js'
import { transition } from '../transition.js'
import { allowRepeat, notifyRejected } from './rejected-credential.js'

/** A credential that left, and what came back for it. */
export interface SubmittedCredential {
  readonly authorized: AuthorizedPayment
  readonly evidence: Evidence
  readonly sent?: LiveCredential
  /** The answer is paid for while it is read: its receipt may stand at its end. */
  readonly metered?: true
}

/** What a call's end means for its payment. */
export type SettleResult =
  /** The reply is the caller's: delivered, or the server's own failure. */
  | { readonly kind: 'answered'; readonly payment: Payment }
  /** A redirect after payment: to be followed without the credential. */
  | { readonly kind: 'redirect'; readonly payment: Payment; readonly to?: string }
  /** The server asks again. `dead`: the credential is proven void, so another may be made. */
  | { readonly kind: 'asked'; readonly payment: Payment; readonly dead: boolean }
  /** No answer. `open`: why it is not known what became of the payment. */
  | {
      readonly kind: 'lost'
      readonly payment: Payment
      readonly cause: unknown
      readonly open?: InspectionResult['open']
    }

/** Writes down what came back. The server's word settles only with a receipt that fits; anything else is looked up. */
export async function settle(
  sending: SubmittedCredential,
  presented: Submission<unknown>,
  payment: Payment,
  call: Call,
  env: Env,
): Promise<SettleResult> {
  const { authorized, evidence } = sending
  if (presented.kind === 'reply') await notifyRejected(presented.reading, authorized, evidence, env)
  const end = await settleReply(sending, presented, payment, call, env)
  return { ...end, payment: await allowRepeat(end.payment, authorized, env) }
}

async function settleReply(
  sending: SubmittedCredential,
  presented: Submission<unknown>,
  payment: Payment,
  call: Call,
  env: Env,
): Promise<SettleResult> {
  const { recheckAt } = sending.evidence
  if (presented.kind === 'lost' && hasNothingLeft(presented.cause)) {
    const index = payment.attempts.length - 1
    const { message: reason } = presented.cause
    const verdictOn = async (at: number): Promise<Verdict> =>
      at === index ? { state: 'void', reason } : inspectAttempt(payment, at, env)
    return { kind: 'lost', cause: presented.cause, ...(await applyVerdicts(verdictOn, payment, env)) }
  }
  if (presented.kind === 'lost') {
    // A caller who has hung up does not wait for a chain: the doubt is looked into in the background.
    const gone = call.signal?.aborted === true
    const after = gone
      ? { payment: await markUnresolved(payment, recheckAt, env) }
      : await abandonCall(payment, recheckAt, env)
    return { kind: 'lost', cause: presented.cause, ...after }
  }
  const { reading } = presented
  const receipt = matchingReceipt(reading.receipt, sending, payment, env)
  if (reading.kind === 'payment-required') return afterSecondChallenge(sending, reading, payment, env)
  if (reading.kind === 'redirect') {
    const after = receipt
      ? await settleByReceipt(sending, receipt, false, payment, env)
      : await inspectUnresolved(sending, payment, env)
    return { kind: 'redirect', payment: after, ...(reading.to === undefined ? {} : { to: reading.to }) }
  }
  if (receipt)
    return { kind: 'answered', payment: await settleByReceipt(sending, receipt, reading.ok, payment, env) }
  if (!reading.ok)
    return {
      kind: 'answered',
      payment: (await abandonCall(payment, recheckAt, env, reading.problem)).payment,
    }
  if (reading.receipt !== undefined || sending.metered === undefined)
    env.emitter.emit('anomaly', {
      kind: reading.receipt === undefined ? 'receipt_missing' : 'receipt_mismatch',
      payment: payment.id,
      message:
        'The paid answer came without a receipt that fits the payment. It counts until the chain says otherwise.',
    })
  return {
    kind: 'answered',
    payment: await markUnresolved(payment, recheckAt, env, { delivered: true, receipt: reading.receipt }),
  }
}

/** A receipt that came while a paid answer was read. One that does not fit changes nothing. */
export async function receive(
  receipt: Receipt,
  sending: SubmittedCredential,
  payment: Payment,
  env: Env,
): Promise<Payment> {
  const fit = matchingReceipt(receipt, sending, payment, env)
  if (fit !== undefined) return settleByReceipt(sending, fit, true, payment, env)
  env.emitter.emit('anomaly', {
    kind: 'receipt_mismatch',
    payment: payment.id,
    message: 'A receipt came with a paid answer that does not fit the payment. It is not believed.',
  })
  return payment
}

/** A receipt is believed when it names our challenge, method, network and, where the wallet can tell, our transfer. */
function matchingReceipt(
  receipt: Receipt | undefined,
  { authorized, evidence }: SubmittedCredential,
  payment: Payment,
  env: Env,
): Receipt | undefined {
  if (receipt === undefined) return undefined
  env.emitter.emit('receipt', { payment: payment.id, receipt })
  const { challenge, terms } = authorized.candidate.quote
  const method = terms.kind.split('/')[0]
  const fits =
    receipt.success &&
    (receipt.method === undefined || receipt.method === method) &&
    (receipt.challengeId === undefined || receipt.challengeId === challenge.id) &&
    (receipt.network === undefined || receipt.network === terms.network) &&
    (receipt.reference === undefined || walletAccepts(receipt.reference, evidence, authorized, env))
  return fits ? receipt : undefined
}

/** A wallet that cannot tell says nothing. One that throws, or whose answer is none, has not recognised it. */
function walletAccepts(
  reference: string,
  evidence: Evidence,
  { candidate }: AuthorizedPayment,
  { emitter }: Env,
): boolean {
  try {
    const word: unknown = candidate.wallet.matchesReceipt?.(evidence, reference)
    if (word === undefined || word === true) return true
    // An answer that comes later is none, and must not end the process where it is a failure.
    if (word instanceof Promise) word.catch(() => undefined)
    return false
  } catch (error) {
    emitter.emit('error', { error, during: 'matchesReceipt' })
    return false
  }
}

async function settleByReceipt(
  sending: SubmittedCredential,
  receipt: Receipt,
  delivered: boolean,
  payment: Payment,
  env: Env,
): Promise<Payment> {
  const { terms } = sending.authorized.candidate.quote
  // What an `upto` really took is not for the server to say: delivered, but open until the rail itself proves it.
  if (!terms.exact) {
    const left = await markUnresolved(payment, sending.evidence.recheckAt, env, { delivered, receipt })
    await notifyWallet(sending, receipt, env)
    return left
  }
  const after = await transition(
    payment,
    {
      to: 'settled',
      proof: 'receipt',
      receipt,
      delivered,
      spent: terms.most,
      ...feeToRead(terms, env),
      ...(receipt.reference === undefined ? {} : { reference: receipt.reference }),
      ...(sending.sent?.nextLaneValue === undefined ? {} : { lane: sending.sent.nextLaneValue }),
    },
    env,
  )
  await notifyWallet(sending, receipt, env)
  if (delivered) env.liveCredentials.drop(payment.id)
  return after
}

/** A wallet that remembers nothing of it, or fails to, has been paid for all the same. */
async function notifyWallet(
  { authorized, evidence }: SubmittedCredential,
  receipt: Receipt,
  env: Env,
): Promise<void> {
  const { wallet, quote } = authorized.candidate
  const { challenge, resource } = quote
  try {
    await wallet.onAccepted?.({
      evidence,
      challenge,
      resource,
      receipt,
      now: env.clock.now(),
      channels: env.ledger,
    })
  } catch (error) {
    env.emitter.emit('error', { error, during: 'accepted' })
  }
}

/** Nobody knows: written down as left first, so that a crash while looking changes nothing, and then looked up. */
async function inspectUnresolved(
  { evidence }: SubmittedCredential,
  payment: Payment,
  env: Env,
): Promise<Payment> {
  return inspectPayment(await markUnresolved(payment, evidence.recheckAt, env), env)
}

/** A 402 after payment is a word, whatever it says. Look. */
async function afterSecondChallenge(
  { authorized }: SubmittedCredential,
  reading: Extract<ReplyInfo, { kind: 'payment-required' }>,
  payment: Payment,
  env: Env,
): Promise<SettleResult> {
  const index = payment.attempts.length - 1
  const verdict: Verdict = await inspectAttempt(payment, index, env, reading.problem)
  const { most } = authorized.candidate.quote.terms
  if (verdict.state === 'settled')
    return { kind: 'asked', dead: false, payment: await settleByChain(payment, most, verdict, env) }
  if (verdict.state !== 'void') return { kind: 'asked', dead: false, payment }
  return { kind: 'asked', dead: true, payment: await transition(payment, voidMove(index, verdict), env) }
}
