import { amount } from '../money/index.js'
import type { JsonObject } from '../protocol/index.js'
import type { Deliver, Prepared } from '../wallet/index.js'
import { completeOrDiscard } from '../wallet/shared.js'
import { takenBy } from '../wallet/tempo/shared.js'
import { topUpCalls } from './calls.js'
import { lane } from './close.js'
import { deliverFunding } from './deliver.js'
import type { Sending } from './evidence.js'
import type { PlanOf } from './plan.js'
import { reconcile } from './reconcile.js'
import {
  credentialOf,
  evidenceFor,
  fundingPayload,
  newTotal,
  type SigningContext,
  signVoucher,
  transact,
  voucherPayload,
} from './signing.js'

/** Prepares a top-up, and then a voucher that the old deposit would not have covered. */
export async function prepareTopUp(plan: PlanOf<'topUp'>, work: SigningContext): Promise<Prepared> {
  const { quote, parts } = work
  const { channel, price } = plan
  const total = newTotal(work, channel, price)
  const signature = await signVoucher(channel.identity, total, work)
  const funding = await fundingOf(plan, work)
  const { sending } = funding
  parts.busy.set(channel.lane, sending.validBefore * 1000)
  return {
    evidence: evidenceFor({ form: 'topUp', total, price, sending }, channel, work),
    signedTotal: total,
    ...completeOrDiscard(
      async (deliver) => {
        try {
          await funding.send(deliver)
        } catch (error) {
          parts.busy.delete(channel.lane)
          throw error
        }
        const payload = voucherPayload('voucher', channel, total, signature)
        return { credential: credentialOf(quote.challenge, payload, parts, channel.identity) }
      },
      async () => {
        parts.busy.delete(channel.lane)
        await funding.lapse()
      },
    ),
  }
}

/** Prepares a top-up without a voucher. */
export async function prepareFund(plan: PlanOf<'fund'>, work: SigningContext): Promise<Prepared> {
  const { quote, options, parts } = work
  const { channel, add } = plan
  const { sending, payload, send, lapse } = await fundingOf(plan, work)
  const total = (channel.state === 'opening' ? 0n : channel.deposit) + add
  return {
    evidence: evidenceFor({ form: 'fund', total, price: 0n, sending }, channel, work),
    ...lane(work),
    ...completeOrDiscard(async (deliver) => {
      await send(deliver)
      await reconcile(channel, options.channels, parts)
      return { credential: credentialOf(quote.challenge, payload, parts, channel.identity) }
    }, lapse),
  }
}

/** Creates the transaction of a top-up. It is stored before it can be sent. */
async function fundingOf(
  { channel, add, session }: Pick<PlanOf<'fund'>, 'channel' | 'add' | 'session'>,
  work: SigningContext,
): Promise<{
  readonly sending: Sending
  readonly payload: JsonObject
  send(deliver: Deliver): Promise<void>
  lapse(): Promise<void>
}> {
  const { quote, payment, options, parts } = work
  const { identity } = channel
  const { sending, raw } = await transact(
    { kind: 'topUp', calls: topUpCalls(identity, add), add, chainId: session.chainId },
    work,
  )
  const { seen, validBefore } = sending
  const pending = { add, seen, validBefore }
  const payload = fundingPayload(channel, raw, add)
  await parts.book.apply(channel, { kind: 'funding', pending, payment }, options.channels)
  return {
    sending,
    payload,
    async send(deliver) {
      for (const { token, value } of takenBy(amount(add, channel.currency), quote.terms.fee))
        parts.balances.took(session.chainId, token, value)
      await deliverFunding(deliver, payload, { challenge: quote.challenge, session, identity, parts })
    },
    async lapse() {
      await parts.book.apply(channel, { kind: 'lapsed', seen }, options.channels)
    },
  }
}
