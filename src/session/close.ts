import { PaymentError } from '../errors/index.js'
import type { Channels } from '../ledger/index.js'
import type { JsonObject } from '../protocol/index.js'
import type { Deliver, Prepared } from '../wallet/index.js'
import { completeOrDiscard } from '../wallet/shared.js'
import { broadcast, failed } from '../wallet/tempo/shared.js'
import { requestCloseCalls, withdrawCalls } from './calls.js'
import { readSession } from './challenge.js'
import { type Delivery, deliverWithRefresh } from './deliver.js'
import type { SessionChannel } from './machine.js'
import type { PlanOf } from './plan.js'
import { awaitClosed, reconcile } from './reconcile.js'
import {
  credentialOf,
  evidenceFor,
  type SigningContext,
  signVoucher,
  transact,
  voucherPayload,
} from './signing.js'

/**
 * Asks the vendor to close the channel. The vendor first gets the total that it says it has delivered for. Only if it
 * wants more, it gets the highest signed total, never a higher one.
 */
export async function prepareClose(plan: PlanOf<'close'>, work: SigningContext): Promise<Prepared> {
  const { quote, options, parts } = work
  const { channel, highest, delivered } = plan
  const { identity } = channel
  const session = readSession(quote.challenge)
  if ('unpayable' in session) throw failed(session.unpayable)
  const totals = delivered < highest ? [delivered, highest] : [highest]
  const payloads: ReturnType<typeof voucherPayload>[] = []
  for (const total of totals)
    payloads.push(voucherPayload('close', channel, total, await signVoucher(identity, total, work)))
  const [first] = payloads
  if (first === undefined) throw failed('There is nothing to close')
  const act = { form: 'close', total: highest, price: 0n } as const
  const to: Delivery = { challenge: quote.challenge, session, identity, parts }
  return {
    evidence: evidenceFor(act, channel, work),
    ...lane(work),
    ...completeOrDiscard(async (deliver) => {
      const payload = await askToClose(payloads, deliver, { ...to, channel, channels: options.channels })
      const evidence = evidenceFor({ ...act, agreedAt: parts.config.now() }, channel, work)
      // The vendor has agreed to close, even if the chain does not show it yet.
      await awaitClosed(channel, options.channels, parts).catch(() => undefined)
      return { credential: credentialOf(quote.challenge, payload, parts, identity), evidence }
    }),
  }
}

/** @throws PaymentError if the vendor does not agree to close. The channel then continues as before. */
async function askToClose(
  payloads: readonly JsonObject[],
  deliver: Deliver,
  to: Delivery & { readonly channel: SessionChannel; readonly channels: Channels },
): Promise<JsonObject> {
  const { parts, channel, channels } = to
  await parts.book.apply(channel, { kind: 'leaving' }, channels)
  try {
    const payload = await firstTaken(payloads, deliver, to)
    await parts.book.apply(channel, { kind: 'agreed' }, channels)
    return payload
  } catch (error) {
    // If the chain shows the channel as open, it is open.
    await reconcile(channel, channels, parts).catch(() => undefined)
    throw error
  }
}

async function firstTaken(
  payloads: readonly JsonObject[],
  deliver: Deliver,
  to: Delivery,
): Promise<JsonObject> {
  for (const payload of payloads) {
    const reading = await deliverWithRefresh(deliver, payload, to)
    if (reading.kind === 'response' && reading.ok) return payload
    // Only a vendor that asks for more gets a higher total.
    if (reading.kind !== 'payment-required') break
  }
  throw new PaymentError('wallet_failed', 'unknown', 'The vendor did not close the channel')
}

/** Closes or withdraws without the vendor: the wallet broadcasts, pays the fee, and waits for the block. */
export async function prepareForcedClose(
  plan: PlanOf<'requestClose' | 'withdraw'>,
  work: SigningContext,
): Promise<Prepared> {
  const { quote, options, parts } = work
  const { channel, does } = plan
  const { identity } = channel
  const calls = does === 'withdraw' ? withdrawCalls(identity) : requestCloseCalls(identity)
  const { sending, raw } = await transact({ kind: does, calls, add: 0n, chainId: identity.chainId }, work)
  return {
    evidence: evidenceFor({ form: does, total: 0n, price: 0n, sending }, channel, work),
    ...lane(work),
    ...completeOrDiscard(async () => {
      await broadcast(parts.config.checkedNodes(identity.chainId) ?? [], raw, sending, parts.config)
      if (does === 'withdraw') await awaitClosed(channel, options.channels, parts)
      else await reconcile(channel, options.channels, parts)
      return { credential: credentialOf(quote.challenge, { action: does }, parts, identity) }
    }),
  }
}

/** Keeps the lane at its total: nothing new is signed, and an operation in doubt must not block the lane. */
export function lane({ spendable }: SigningContext): Pick<Prepared, 'signedTotal'> {
  return spendable.lane === undefined ? {} : { signedTotal: spendable.lane.value }
}
