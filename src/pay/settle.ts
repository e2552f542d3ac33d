import type { Payment, Verdict } from '../ledger/index.js'
import type { Receipt, ReplyInfo } from '../protocol/index.js'
import { isNotSentError } from '../wallet/index.js'
import type { CallContext } from './env.js'
import type { SubmittedCredential } from './purchase.js'
import {
  abandonCall,
  applyVerdicts,
  feeToRead,
  type InspectionResult,
  inspectAttempt,
  inspectPayment,
  markUnresolved,
  settleByChain,
  voidMove,
} from './recovery/inspection.js'
import { allowRepeat, notifyRejected } from './rejection.js'
import { transition } from './transition.js'

type PaymentRequired = Extract<ReplyInfo, { kind: 'payment-required' }>

/** A credential that left, and its payment as the ledger has it. */
export interface Settlement extends CallContext {
  readonly submitted: SubmittedCredential
  readonly payment: Payment
}

/** What an answer means for its payment. */
export type SettleResult =
  /** The reply is the caller's: what was bought, or the server's own failure. */
  | { readonly kind: 'answered'; readonly payment: Payment }
  /** A redirect after payment, which is followed without the credential. */
  | { readonly kind: 'redirect'; readonly payment: Payment; readonly to?: string | undefined }
  /** The server asks for money again. `dead`: the credential is proven void, so another may be made. */
  | {
      readonly kind: 'asked'
      readonly payment: Payment
      readonly dead: boolean
      readonly reading: PaymentRequired
    }

/**
 * Settles a payment by an answer. The server's word counts only with a receipt that matches; for anything else the
 * wallet is asked.
 */
export async function settleReply(reading: ReplyInfo, settlement: Settlement): Promise<SettleResult> {
  const { submitted, env } = settlement
  await notifyRejected(reading, submitted, env)
  const result = await resultOf(reading, settlement)
  return { ...result, payment: await allowRepeat(result.payment, submitted.authorized, env) }
}

/** Records that no answer came, and asks the wallet what became of the payment. */
export async function settleLost(cause: unknown, settlement: Settlement): Promise<InspectionResult> {
  const { submitted, env } = settlement
  const seen = await inspectLost(cause, settlement)
  return { ...seen, payment: await allowRepeat(seen.payment, submitted.authorized, env) }
}

async function inspectLost(
  cause: unknown,
  { submitted, payment, call, env }: Settlement,
): Promise<InspectionResult> {
  if (isNotSentError(cause)) {
    const last = payment.attempts.length - 1
    const { message: reason } = cause
    const verdictOn = async (index: number): Promise<Verdict> =>
      index === last ? { state: 'void', reason } : inspectAttempt({ payment, index }, env)
    return applyVerdicts(verdictOn, payment, env)
  }
  const { recheckAt } = submitted.evidence
  // A caller who has left does not wait for a chain: the payment is inspected in the background.
  return call.signal?.aborted === true
    ? { payment: await markUnresolved(payment, env, { recheckAt }) }
    : abandonCall({ payment, recheckAt }, env)
}

async function resultOf(reading: ReplyInfo, settlement: Settlement): Promise<SettleResult> {
  const { submitted, payment, env } = settlement
  const { recheckAt } = submitted.evidence
  const receipt = matchingReceipt(reading.receipt, settlement)
  if (reading.kind === 'payment-required') return afterSecondChallenge(reading, settlement)
  if (reading.kind === 'redirect') {
    const after = receipt
      ? await settleByReceipt(receipt, false, settlement)
      : await inspectPayment(await markUnresolved(payment, env, { recheckAt }), env)
    return { kind: 'redirect', payment: after, to: reading.to }
  }
  if (receipt) return { kind: 'answered', payment: await settleByReceipt(receipt, reading.ok, settlement) }
  if (!reading.ok) {
    const { problem } = reading
    return { kind: 'answered', payment: (await abandonCall({ payment, recheckAt, problem }, env)).payment }
  }
  if (reading.receipt !== undefined || submitted.metered === undefined)
    env.emitter.emit('anomaly', {
      kind: reading.receipt === undefined ? 'receipt_missing' : 'receipt_mismatch',
      payment: payment.id,
      message:
        'The paid answer came without a receipt that fits the payment. It counts until the chain says otherwise.',
    })
  return {
    kind: 'answered',
    payment: await markUnresolved(payment, env, { recheckAt, delivered: true, receipt: reading.receipt }),
  }
}

/**
 * Settles a payment by a receipt that came while the answer was read. A receipt that does not match changes nothing.
 */
export async function settleByLateReceipt(receipt: Receipt, settlement: Settlement): Promise<Payment> {
  const { payment, env } = settlement
  const matching = matchingReceipt(receipt, settlement)
  if (matching !== undefined) return settleByReceipt(matching, true, settlement)
  env.emitter.emit('anomaly', {
    kind: 'receipt_mismatch',
    payment: payment.id,
    message: 'A receipt came with a paid answer that does not fit the payment. It is not believed.',
  })
  return payment
}

/** A receipt matches if it names our challenge, method and network and, if the wallet can tell, our transfer. */
function matchingReceipt(receipt: Receipt | undefined, settlement: Settlement): Receipt | undefined {
  if (receipt === undefined) return undefined
  const { submitted, payment, env } = settlement
  env.emitter.emit('receipt', { payment: payment.id, receipt })
  const { challenge, terms } = submitted.authorized.candidate.quote
  const method = terms.kind.split('/')[0]
  const matches =
    receipt.success &&
    (receipt.method === undefined || receipt.method === method) &&
    (receipt.challengeId === undefined || receipt.challengeId === challenge.id) &&
    (receipt.network === undefined || receipt.network === terms.network) &&
    (receipt.reference === undefined || walletAccepts(receipt.reference, settlement))
  return matches ? receipt : undefined
}

/** A wallet that cannot tell accepts. A wallet that throws, or that gives no valid answer, does not. */
function walletAccepts(reference: string, { submitted, env }: Settlement): boolean {
  const { authorized, evidence } = submitted
  try {
    const word: unknown = authorized.candidate.wallet.matchesReceipt?.(evidence, reference)
    if (word === undefined || word === true) return true
    // A promise is no valid answer, and its rejection must not end the process.
    if (word instanceof Promise) word.catch(() => undefined)
    return false
  } catch (error) {
    env.emitter.emit('error', { error, during: 'matchesReceipt' })
    return false
  }
}

async function settleByReceipt(
  receipt: Receipt,
  delivered: boolean,
  { submitted, payment, env }: Settlement,
): Promise<Payment> {
  const { authorized, evidence, sent } = submitted
  const { terms } = authorized.candidate.quote
  // The server cannot say what an `upto` payment really took: it stays open until the rail proves that.
  if (!terms.exact) {
    const left = await markUnresolved(payment, env, { recheckAt: evidence.recheckAt, delivered, receipt })
    await notifyAccepted(receipt, submitted, env)
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
      ...(sent?.nextLaneValue === undefined ? {} : { lane: sent.nextLaneValue }),
    },
    env,
  )
  await notifyAccepted(receipt, submitted, env)
  if (delivered) env.liveCredentials.drop(payment.id)
  return after
}

/** A wallet that fails here has been paid for, so its failure is only an event. */
async function notifyAccepted(
  receipt: Receipt,
  { authorized, evidence }: SubmittedCredential,
  env: CallContext['env'],
): Promise<void> {
  const { wallet, quote } = authorized.candidate
  const { challenge, resource } = quote
  const now = env.clock.now()
  try {
    await wallet.onAccepted?.({ evidence, challenge, resource, receipt, now, channels: env.ledger })
  } catch (error) {
    env.emitter.emit('error', { error, during: 'accepted' })
  }
}

/** A 402 after payment proves nothing, so the wallet is asked. */
async function afterSecondChallenge(
  reading: PaymentRequired,
  { submitted, payment, env }: Settlement,
): Promise<SettleResult> {
  const index = payment.attempts.length - 1
  const verdict = await inspectAttempt({ payment, index, problem: reading.problem }, env)
  const asked = (dead: boolean, after: Payment): SettleResult => ({
    kind: 'asked',
    payment: after,
    dead,
    reading,
  })
  const { most: agreed } = submitted.authorized.candidate.quote.terms
  if (verdict.state === 'settled') return asked(false, await settleByChain(payment, { verdict, agreed }, env))
  if (verdict.state !== 'void') return asked(false, payment)
  return asked(true, await transition(payment, voidMove(index, verdict), env))
}
