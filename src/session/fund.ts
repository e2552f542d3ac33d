import type { Prepared } from '../wallet/index.js'
import { lane } from './act.js'
import { topUpCalls } from './calls.js'
import { deliverFunding } from './deliver.js'
import { consult } from './look.js'
import type { PlanOf } from './plan.js'
import {
  credentialOf,
  evidenceFor,
  fundingPayload,
  newTotal,
  oneEnd,
  signVoucher,
  transact,
  voucherPayload,
  type Work,
} from './work.js'

/** More into the deposit, and then a voucher that the old one would not have covered. */
export async function prepareTopUp(plan: PlanOf<'topUp'>, work: Work): Promise<Prepared> {
  const { quote, payment, options, parts } = work
  const { channel, add, session, price } = plan
  const total = newTotal(work, channel, price)
  const { sending, raw } = await transact(
    'topUp',
    topUpCalls(channel.identity, add),
    add,
    session.chainId,
    work,
  )
  const signature = await signVoucher(channel.identity, total, work)
  const pending = { add, seen: sending.seen, validBefore: sending.validBefore }
  await parts.book.apply(channel, { kind: 'funding', pending, payment }, options.channels)
  parts.busy.set(channel.lane, sending.validBefore * 1000)
  const topUp = fundingPayload(channel, raw, add)
  return {
    evidence: evidenceFor({ form: 'topUp', total, price, sending }, channel, work),
    laneSigned: total,
    ...oneEnd(
      async (deliver) => {
        parts.balances.took(session.chainId, session.token, add)
        try {
          await deliverFunding(deliver, topUp, {
            challenge: quote.challenge,
            session,
            identity: channel.identity,
            parts,
          })
        } catch (error) {
          parts.busy.delete(channel.lane)
          throw error
        }
        const payload = voucherPayload('voucher', channel, total, signature)
        return { credential: credentialOf(quote.challenge, payload, parts, channel.identity) }
      },
      async () => {
        parts.busy.delete(channel.lane)
        await parts.book.apply(channel, { kind: 'lapsed', seen: sending.seen }, options.channels)
      },
    ),
  }
}

/** A top-up by itself. */
export async function prepareFund(plan: PlanOf<'fund'>, work: Work): Promise<Prepared> {
  const { quote, payment, options, parts } = work
  const { channel, add, session } = plan
  const { identity } = channel
  const { sending, raw } = await transact('topUp', topUpCalls(identity, add), add, session.chainId, work)
  const pending = { add, seen: sending.seen, validBefore: sending.validBefore }
  await parts.book.apply(channel, { kind: 'funding', pending, payment }, options.channels)
  const payload = fundingPayload(channel, raw, add)
  const deposit = channel.state === 'opening' ? 0n : channel.deposit
  return {
    evidence: evidenceFor({ form: 'fund', total: deposit + add, price: 0n, sending }, channel, work),
    ...lane(work),
    ...oneEnd(
      async (deliver) => {
        parts.balances.took(session.chainId, session.token, add)
        await deliverFunding(deliver, payload, { challenge: quote.challenge, session, identity, parts })
        await consult(channel, options.channels, parts)
        return { credential: credentialOf(quote.challenge, payload, parts, identity) }
      },
      async () => {
        await parts.book.apply(channel, { kind: 'lapsed', seen: sending.seen }, options.channels)
      },
    ),
  }
}
