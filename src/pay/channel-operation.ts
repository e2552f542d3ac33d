import { PaymentError } from '../errors/index.js'
import type { Channel, Payment } from '../ledger/index.js'
import { amount } from '../money/index.js'
import type { Resource } from '../protocol/index.js'
import type { ChannelOperation, ChannelWallet, Deliver, Wallet } from '../wallet/index.js'
import { authorize } from './authorize/authorize.js'
import type { CallContext, Env } from './env.js'
import { inspectPayment } from './recovery/inspection.js'
import { redactedError } from './redacted-error.js'
import { notifyRejected } from './rejection.js'
import { transition } from './transition.js'

/** An owner's operation on a channel, and how its credential reaches the vendor. */
export interface ChannelOperationRequest {
  readonly wallet: ChannelWallet
  readonly channel: Channel
  readonly operation: ChannelOperation
  /** Where its credentials go. */
  readonly at: Resource
  readonly deliver: Deliver
}

/**
 * Runs a top-up or a close of a channel, which no server asked for. It is judged, held, signed and committed like a
 * payment. Its result is what the chain shows. A close that the vendor has agreed to may still be under way.
 *
 * @throws PaymentRefusedError before anything was signed; PaymentError if it is not known how it ended.
 */
export async function runOperation(
  { wallet, channel, operation, at, deliver }: ChannelOperationRequest,
  { call, env }: CallContext,
): Promise<Payment> {
  const place = env.queues.place()
  try {
    const result = await authorize({
      kind: 'operation',
      operation,
      wallet,
      channel,
      at,
      fingerprint: `${operation.kind} ${channel.lane} ${channel.rev}`,
      call,
      env,
      usedUp: new Set(),
      place,
    })
    if (result.kind !== 'authorized')
      throw new PaymentError('busy', 'untouched', 'The same is being done to this channel already')
    const { authorized } = result
    const { payment: id, prepared, attempt } = authorized
    const deliverAndNotify: Deliver = async (credential) => {
      const reading = await deliver(credential)
      await notifyRejected(reading, { authorized, evidence: attempt.evidence }, env)
      return reading
    }
    const failure = await finish(() => prepared.complete(deliverAndNotify), id, env)
    const committed = await env.ledger.get(id)
    if (committed === undefined)
      throw new PaymentError('ledger_failed', 'unknown', 'The ledger lost a payment')
    const after = await inspectPayment(committed, env)
    // The vendor has agreed to the close, so it is no failure that the chain takes its time.
    if (after.state === 'committed' && failure === undefined && operation.kind === 'close') return after
    if (after.state !== 'settled') throw notDone(after, failure)
    return transition(after, { to: 'delivered' }, env)
  } finally {
    place.leave()
  }
}

/**
 * Compares every payment on a closed channel with the final amount that the vendor took, and gives the rest back to the
 * budgets.
 */
export async function settleClosedChannel(channel: Channel, wallet: Wallet, env: Env): Promise<void> {
  const states: Payment['state'][] = ['committed', 'settled']
  for await (const payment of env.ledger.find({ vendor: channel.vendor, states })) {
    const evidence = payment.attempts.at(-1)?.evidence
    if (evidence === undefined || !evidence.refs.includes(channel.lane)) continue
    if (payment.state === 'committed') await inspectUndelivered(payment, env)
    else if (!(await refund(payment, wallet, env))) return
  }
}

/** Inspects a voucher that was never answered. If the vendor took its money, listeners hear of it. */
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

/**
 * Gives back what was not taken. Payments come newest first: false once one was taken whole, because all before it were
 * too.
 */
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

/** Completes the operation, and returns its failure. The rail then shows how it ended. */
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
