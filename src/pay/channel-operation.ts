import { PaymentError } from '../errors/index.js'
import type { Channel, Payment } from '../ledger/index.js'
import { amount } from '../money/index.js'
import type { Resource } from '../protocol/index.js'
import type { ChannelOperation, ChannelWallet, Deliver, Wallet } from '../wallet/index.js'
import { authorize } from './authorize/authorize.js'
import type { Call, Env } from './env.js'
import { inspectPayment } from './recovery/inspection.js'
import { redactedError } from './redacted-error.js'
import { notifyRejected } from './settle/rejected-credential.js'
import { transition } from './transition.js'

/** An act on a channel: whose it is, and how a credential reaches the vendor. */
export interface ChannelOperationRequest {
  readonly wallet: ChannelWallet
  readonly channel: Channel
  readonly act: ChannelOperation
  /** Where its credentials go. */
  readonly at: Resource
  readonly deliver: Deliver
}

/**
 * A top-up or a close that no request asks for, by the same path as a payment: judged, held, signed, written down, and
 * then carried out. Its end is what the chain shows; a close that the vendor has agreed to may still be on its way.
 *
 * @throws PaymentRefusedError before anything was signed; PaymentError when it is not known how it ended.
 */
export async function runOperation(acting: ChannelOperationRequest, call: Call, env: Env): Promise<Payment> {
  const { wallet, channel, act, at, deliver } = acting
  const place = env.queues.place()
  try {
    const agreement = await authorize({
      kind: 'operation',
      operation: act,
      wallet,
      channel,
      at,
      fingerprint: `${act.kind} ${channel.lane} ${channel.rev}`,
      call,
      env,
      usedUp: new Set(),
      place,
    })
    if (agreement.kind !== 'authorized')
      throw new PaymentError('busy', 'untouched', 'The same is being done to this channel already')
    const { authorized } = agreement
    const { payment: id, prepared, attempt } = authorized
    const told: Deliver = async (credential) => {
      const reading = await deliver(credential)
      await notifyRejected(reading, authorized, attempt.evidence, env)
      return reading
    }
    const failure = await finish(() => prepared.complete(told), id, env)
    const committed = await env.ledger.get(id)
    if (committed === undefined)
      throw new PaymentError('ledger_failed', 'unknown', 'The ledger lost a payment')
    const after = await inspectPayment(committed, env)
    // The vendor has said that it closes it: that the rail takes its time is no failure.
    if (after.state === 'committed' && failure === undefined && act.kind === 'close') return after
    if (after.state !== 'settled') throw notDone(after, failure)
    return transition(after, { to: 'delivered' }, env)
  } finally {
    place.leave()
  }
}

/** What a closed channel was taken for is final: every payment on it is held against that, and the rest given back. */
export async function settleClosedChannel(channel: Channel, wallet: Wallet, env: Env): Promise<void> {
  const states: Payment['state'][] = ['committed', 'settled']
  for await (const payment of env.ledger.find({ vendor: channel.vendor, states })) {
    const evidence = payment.attempts.at(-1)?.evidence
    if (evidence === undefined || !evidence.refs.includes(channel.lane)) continue
    if (payment.state === 'committed') await inspectUndelivered(payment, env)
    else if (!(await refund(payment, wallet, env))) return
  }
}

/** A voucher that was never answered: if the vendor took it all the same, its owner hears of it. */
async function inspectUndelivered(payment: Payment, env: Env): Promise<void> {
  const after = await inspectPayment(payment, env)
  if (after.state !== 'settled' || after.delivered) return
  env.emitter.emit('anomaly', {
    kind: 'settled_without_delivery',
    payment: after.id,
    message:
      'The channel was closed for more than was delivered: this payment was taken, and never answered.',
  })
}

/** Newest first: false as soon as a payment was taken whole, since all before it were taken too. */
async function refund(payment: Payment, wallet: Wallet, env: Env): Promise<boolean> {
  const attempt = payment.attempts.at(-1)
  if (attempt === undefined) return true
  const verdict = await wallet.inspect(attempt.evidence, { channels: env.ledger })
  if (verdict.state !== 'settled' && verdict.state !== 'void') return false
  const { most } = attempt.terms
  const taken = verdict.state === 'void' ? amount(0n, most.currency) : (verdict.amount ?? most)
  if (taken.value >= most.value) return false
  const reference = verdict.state === 'void' ? 'closed without it' : verdict.reference
  await transition(payment, { to: 'settled', proof: 'chain', reference, spent: taken }, env)
  return true
}

/** Whatever fails from here on is a doubt: the rail says how it ended. */
async function finish(
  complete: () => Promise<{ readonly evidence?: Payment['attempts'][number]['evidence'] }>,
  id: Payment['id'],
  env: Env,
): Promise<unknown> {
  try {
    const { evidence } = await complete()
    if (evidence !== undefined) await transition({ id }, { to: 'evidence', evidence }, env)
    return undefined
  } catch (error) {
    env.emitter.emit('error', { error, during: 'channel' })
    return error
  }
}

function notDone(payment: Payment, cause: unknown): PaymentError {
  const details = { paymentId: payment.id, ...(cause === undefined ? {} : { cause: redactedError(cause) }) }
  if (payment.state === 'released')
    return new PaymentError('wallet_failed', 'untouched', 'It was not done, and nothing has moved.', details)
  const message = 'The chain does not show yet how this ended: recover() looks again.'
  return new PaymentError('payment_in_doubt', 'unknown', message, details)
}
