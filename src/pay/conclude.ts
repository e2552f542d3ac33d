import type { Evidence, Payment, Verdict } from '../ledger/index.js'
import type { Reading, Receipt } from '../protocol/index.js'
import { hasNothingLeft } from '../wallet/index.js'
import type { Deal } from './case.js'
import {
  advance,
  type Examined,
  examine,
  examineBy,
  feeToRead,
  leave,
  look,
  settle,
  voided,
} from './doubt.js'
import type { Call, Env } from './env.js'
import { letItRepeat, tellNotTaken } from './not-taken.js'
import type { Presented } from './present.js'
import type { Sent } from './sent.js'
import { windUpCall } from './wind-up.js'

/** A credential that left, and what came back for it. */
export interface Sending {
  readonly deal: Deal
  readonly evidence: Evidence
  readonly sent?: Sent
  /** The answer is paid for while it is read: its receipt may stand at its end. */
  readonly metered?: true
}

/** What a call's end means for its payment. */
export type Conclusion =
  /** The reply is the caller's: delivered, or the server's own failure. */
  | { readonly kind: 'answered'; readonly payment: Payment }
  /** A redirect after payment: to be followed without the credential. */
  | { readonly kind: 'moved'; readonly payment: Payment; readonly to?: string }
  /** The server asks again. `dead`: the credential is proven void, so another may be made. */
  | { readonly kind: 'asked'; readonly payment: Payment; readonly dead: boolean }
  /** No answer. `open`: why it is not known what became of the payment. */
  | {
      readonly kind: 'lost'
      readonly payment: Payment
      readonly cause: unknown
      readonly open?: Examined['open']
    }

/** Writes down what came back. The server's word settles only with a receipt that fits; anything else is looked up. */
export async function conclude(
  sending: Sending,
  presented: Presented<unknown>,
  payment: Payment,
  call: Call,
  env: Env,
): Promise<Conclusion> {
  const { deal, evidence } = sending
  if (presented.kind === 'reply') await tellNotTaken(presented.reading, deal, evidence, env)
  const end = await concluded(sending, presented, payment, call, env)
  return { ...end, payment: await letItRepeat(end.payment, deal, env) }
}

async function concluded(
  sending: Sending,
  presented: Presented<unknown>,
  payment: Payment,
  call: Call,
  env: Env,
): Promise<Conclusion> {
  const { recheckAt } = sending.evidence
  if (presented.kind === 'lost' && hasNothingLeft(presented.cause)) {
    const index = payment.attempts.length - 1
    const { message: because } = presented.cause
    const verdictOn = async (at: number): Promise<Verdict> =>
      at === index ? { state: 'void', because } : look(payment, at, env)
    return { kind: 'lost', cause: presented.cause, ...(await examineBy(verdictOn, payment, env)) }
  }
  if (presented.kind === 'lost') {
    // A caller who has hung up does not wait for a chain: the doubt is looked into in the background.
    const gone = call.signal?.aborted === true
    const after = gone
      ? { payment: await leave(payment, recheckAt, env) }
      : await windUpCall(payment, recheckAt, env)
    return { kind: 'lost', cause: presented.cause, ...after }
  }
  const { reading } = presented
  const receipt = fitting(reading.receipt, sending, payment, env)
  if (reading.kind === 'asks') return askedAgain(sending, reading, payment, env)
  if (reading.kind === 'moved') {
    const after = receipt
      ? await settleByReceipt(sending, receipt, false, payment, env)
      : await doubtful(sending, payment, env)
    return { kind: 'moved', payment: after, ...(reading.to === undefined ? {} : { to: reading.to }) }
  }
  if (receipt)
    return { kind: 'answered', payment: await settleByReceipt(sending, receipt, reading.ok, payment, env) }
  if (!reading.ok)
    return {
      kind: 'answered',
      payment: (await windUpCall(payment, recheckAt, env, reading.problem)).payment,
    }
  if (reading.receipt !== undefined || sending.metered === undefined)
    env.emitter.emit('anomaly', {
      kind: reading.receipt === undefined ? 'receipt_missing' : 'receipt_mismatch',
      payment: payment.id,
      says: 'The paid answer came without a receipt that fits the payment. It counts until the chain says otherwise.',
    })
  return {
    kind: 'answered',
    payment: await leave(payment, recheckAt, env, { delivered: true, receipt: reading.receipt }),
  }
}

/** A receipt that came while a paid answer was read. One that does not fit changes nothing. */
export async function receive(
  receipt: Receipt,
  sending: Sending,
  payment: Payment,
  env: Env,
): Promise<Payment> {
  const fit = fitting(receipt, sending, payment, env)
  if (fit !== undefined) return settleByReceipt(sending, fit, true, payment, env)
  env.emitter.emit('anomaly', {
    kind: 'receipt_mismatch',
    payment: payment.id,
    says: 'A receipt came with a paid answer that does not fit the payment. It is not believed.',
  })
  return payment
}

/** A receipt is believed when it names our challenge, method, network and, where the wallet can tell, our transfer. */
function fitting(
  receipt: Receipt | undefined,
  { deal, evidence }: Sending,
  payment: Payment,
  env: Env,
): Receipt | undefined {
  if (receipt === undefined) return undefined
  env.emitter.emit('receipt', { payment: payment.id, receipt })
  const { challenge, terms } = deal.candidate.quote
  const method = terms.kind.split('/')[0]
  const fits =
    receipt.success &&
    (receipt.method === undefined || receipt.method === method) &&
    (receipt.challengeId === undefined || receipt.challengeId === challenge.id) &&
    (receipt.network === undefined || receipt.network === terms.network) &&
    (receipt.reference === undefined || recognised(receipt.reference, evidence, deal, env))
  return fits ? receipt : undefined
}

/** A wallet that cannot tell says nothing. One that throws, or whose answer is none, has not recognised it. */
function recognised(reference: string, evidence: Evidence, { candidate }: Deal, { emitter }: Env): boolean {
  try {
    const word: unknown = candidate.wallet.recognises?.(evidence, reference)
    if (word === undefined || word === true) return true
    // An answer that comes later is none, and must not end the process where it is a failure.
    if (word instanceof Promise) word.catch(() => undefined)
    return false
  } catch (error) {
    emitter.emit('error', { error, during: 'recognises' })
    return false
  }
}

async function settleByReceipt(
  sending: Sending,
  receipt: Receipt,
  delivered: boolean,
  payment: Payment,
  env: Env,
): Promise<Payment> {
  const { terms } = sending.deal.candidate.quote
  // What an `upto` really took is not for the server to say: delivered, but open until the rail itself proves it.
  if (!terms.exact) {
    const left = await leave(payment, sending.evidence.recheckAt, env, { delivered, receipt })
    await tellWallet(sending, receipt, env)
    return left
  }
  const after = await advance(
    payment,
    {
      to: 'settled',
      proof: 'receipt',
      receipt,
      delivered,
      spent: terms.most,
      ...feeToRead(terms, env),
      ...(receipt.reference === undefined ? {} : { reference: receipt.reference }),
      ...(sending.sent?.laneNext === undefined ? {} : { lane: sending.sent.laneNext }),
    },
    env,
  )
  await tellWallet(sending, receipt, env)
  if (delivered) env.sent.drop(payment.id)
  return after
}

/** A wallet that remembers nothing of it, or fails to, has been paid for all the same. */
async function tellWallet({ deal, evidence }: Sending, receipt: Receipt, env: Env): Promise<void> {
  const { wallet, quote } = deal.candidate
  const { challenge, resource } = quote
  try {
    await wallet.accepted?.({
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
async function doubtful({ evidence }: Sending, payment: Payment, env: Env): Promise<Payment> {
  return examine(await leave(payment, evidence.recheckAt, env), env)
}

/** A 402 after payment is a word, whatever it says. Look. */
async function askedAgain(
  { deal }: Sending,
  reading: Extract<Reading, { kind: 'asks' }>,
  payment: Payment,
  env: Env,
): Promise<Conclusion> {
  const index = payment.attempts.length - 1
  const verdict: Verdict = await look(payment, index, env, reading.problem)
  const { most } = deal.candidate.quote.terms
  if (verdict.state === 'settled')
    return { kind: 'asked', dead: false, payment: await settle(payment, most, verdict, env) }
  if (verdict.state !== 'void') return { kind: 'asked', dead: false, payment }
  return { kind: 'asked', dead: true, payment: await advance(payment, voided(index, verdict), env) }
}
