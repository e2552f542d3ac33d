import type { Prepared, PrepareOptions, Spendable } from '../wallet/index.js'
import { completeOrDiscard } from '../wallet/shared.js'
import { failed } from '../wallet/tempo/shared.js'
import { prepareClose, prepareForcedClose } from './close.js'
import { prepareFund, prepareTopUp } from './fund.js'
import type { Open, SessionChannel } from './machine.js'
import { prepareOpen, prepareReopen } from './open.js'
import type { SessionContext } from './options.js'
import { planOf } from './plan.js'
import { reconcile } from './reconcile.js'
import {
  credentialOf,
  evidenceFor,
  newTotal,
  type SigningContext,
  signVoucher,
  voucherPayload,
} from './signing.js'

/** Builds and signs the payment of an authorization. The signed payment stays in its closure until `complete`. */
export async function prepareSession(
  spendable: Spendable,
  options: PrepareOptions,
  parts: SessionContext,
): Promise<Prepared> {
  options.signal?.throwIfAborted()
  const { quote, payment } = spendable
  const plan = planOf(quote)
  if (plan === undefined || quote.wallet !== parts.id)
    throw failed('The quote does not belong to this wallet, so nothing was signed')
  const work: SigningContext = { payment, quote, spendable, options, parts }
  switch (plan.does) {
    case 'voucher':
      return prepareVoucher(plan.price, await ready(plan.channel, plan.price, work), work)
    case 'resume':
      return prepareVoucher(plan.price, await takeUp(plan.channel, work), work)
    case 'open':
      return prepareOpen(plan, work)
    case 'reopen':
      return prepareReopen(plan, work)
    case 'topUp':
      return prepareTopUp(plan, work)
    case 'fund':
      return prepareFund(plan, work)
    case 'close':
      return prepareClose(plan, work)
    case 'requestClose':
    case 'withdraw':
      return prepareForcedClose(plan, work)
  }
}

/** Checks that a deposit that was pending at the quote has arrived by now. */
async function ready(channel: SessionChannel, price: bigint, work: SigningContext): Promise<SessionChannel> {
  const { options, parts } = work
  const total = newTotal(work, channel, price)
  const holds = (one: SessionChannel | undefined) => one?.state === 'open' && one.deposit >= total
  if (holds(channel)) return channel
  const stored = await parts.book.current(channel, options.channels)
  if (stored !== undefined && holds(stored)) return stored
  const found = (await reconcile(channel, options.channels, parts)).channel
  if (holds(found)) return found
  throw failed('The deposit of the channel is still pending, so nothing was signed')
}

async function takeUp(resumed: Open, { options, parts, payment }: SigningContext): Promise<SessionChannel> {
  const channel: Open = { ...resumed, funding: [payment] }
  const stored = await parts.book.apply(channel, { kind: 'resumed', channel }, options.channels)
  if (stored?.state === 'open' && stored.id === channel.id) return stored
  throw failed('Another process has opened a channel meanwhile')
}

async function prepareVoucher(
  price: bigint,
  channel: SessionChannel,
  work: SigningContext,
): Promise<Prepared> {
  const { identity } = channel
  const total = newTotal(work, channel, price)
  const payload = voucherPayload('voucher', channel, total, await signVoucher(identity, total, work))
  return {
    evidence: evidenceFor({ form: 'voucher', total, price }, channel, work),
    signedTotal: total,
    ...completeOrDiscard(async () => ({
      credential: credentialOf(work.quote.challenge, payload, work.parts, identity),
    })),
  }
}
