import type { Channel, Evidence } from '../ledger/index.js'
import { type Amount, amount } from '../money/index.js'
import type { Challenge } from '../protocol/index.js'
import type { Quote, QuoteContext, Unpayable } from '../wallet/index.js'
import { unpayable } from '../wallet/shared.js'
import { FINALITY_MS } from '../wallet/tempo/shared.js'
import { mostOf } from './challenge.js'
import { depositFor, topUpFor } from './deposit.js'
import { readDetail, type SessionDetail } from './evidence.js'
import { mayReopen } from './forgotten.js'
import { readAmount } from './json.js'
import type { Open, Opening, SessionChannel } from './machine.js'
import { type SessionOffer, totalOf, understand } from './offer.js'
import type { SessionContext } from './options.js'
import { type Plan, type PlanOf, planned } from './plan.js'
import { settled } from './reconcile.js'
import { readRecord } from './record.js'
import { rememberedChallenge, restoredChannel } from './resume.js'
import { quoteOf, termsOf, withFunding } from './terms.js'

/** The least remaining life of an offer for an opening, in milliseconds; otherwise it would expire on its way. */
const LEAST_LEFT_MS = 2_000

/** Reads an offer. In steady state it uses only the ledger, no network. */
export async function quoteSession(
  challenge: Challenge,
  context: QuoteContext,
  parts: SessionContext,
): Promise<Quote | Unpayable> {
  const asked = understand(challenge, context, parts)
  if ('unpayable' in asked) return asked
  if (challenge.expires !== undefined && !(challenge.expires > context.now))
    return unpayable('The offer has expired')
  return context.earlierEvidence === undefined ? quoteNext(asked) : quoteAgain(asked, context.earlierEvidence)
}

async function quoteNext(asked: SessionOffer): Promise<Quote | Unpayable> {
  const { context, slot } = asked
  const records = await context.channels.channels({ slot })
  const last = records.at(-1)
  const channel = last === undefined ? undefined : await current(last, asked)
  if (channel !== undefined && 'unpayable' in channel) return channel
  if (channel?.state === 'opening' && channel.forgottenAt !== undefined)
    return unpayable(
      'The vendor says that it does not know the session that is being opened. The chain shows within a minute whether it was',
      'busy',
    )
  if (channel?.state === 'opening' || channel?.state === 'open') return quoteOn(channel, asked)
  const lane = `${slot}#${records.length}`
  const resumed = await rememberedChallenge(asked, lane)
  if (resumed !== undefined) {
    const plan: PlanOf<'resume'> = { does: 'resume', channel: resumed, price: stepOf(asked, resumed.base) }
    return quoteVoucher(plan, { at: 0n, locks: amount(resumed.deposit, asked.currency) }, asked)
  }
  return quoteOpening(lane, asked)
}

async function current(record: Channel, asked: SessionOffer): Promise<SessionChannel | Unpayable> {
  const channel = readRecord(record)
  if (channel === undefined)
    return unpayable('The ledger has this session in an unknown form', 'ledger_corrupt')
  return channel.state === 'opening' ? settled(channel, asked) : channel
}

async function quoteOn(known: SessionChannel, asked: SessionOffer): Promise<Quote | Unpayable> {
  const { context } = asked
  const at = await context.channels.signed(known.lane)
  const channel = await restoredChannel(known, totalOf(known, at), asked)
  const before = totalOf(channel, at)
  const price = stepOf(asked, before)
  if (price === 0n) return unpayable('The signed total already covers the amount that the server asks for')
  const voucher: PlanOf<'voucher'> = { does: 'voucher', channel, price }
  if (channel.state !== 'open') return quoteVoucher(voucher, { at }, asked)
  const total = before + price
  if (total <= channel.deposit) return quoteVoucher(voucher, { at }, asked)
  const after = channel.pending === undefined ? channel : await settled(channel, asked)
  if (after.state !== 'open') return quoteVoucher({ ...voucher, channel: after }, { at }, asked)
  if (total <= after.deposit || after.pending !== undefined)
    return quoteVoucher({ ...voucher, channel: after }, { at }, asked)
  return quoteTopUp(after, { at, total, price }, asked)
}

/**
 * Returns the amount added to the total: the price, or in a metered reply the missing amount, never more than the
 * price.
 */
function stepOf({ session, context }: SessionOffer, before: bigint): bigint {
  const required = readAmount(context.meterClaims?.['requiredCumulative'])
  if (required === undefined) return session.price
  const missing = required > before ? required - before : 0n
  return missing < session.price ? missing : session.price
}

function quoteVoucher(
  plan: PlanOf<'voucher' | 'resume'>,
  { at, locks }: { readonly at: bigint; readonly locks?: Amount },
  asked: SessionOffer,
): Quote {
  const { expires } = asked.challenge
  const quote: Quote = {
    ...quoteOf(asked),
    // The deposit of a channel that the ledger did not know counts as locked from now on.
    terms: { ...termsOf(asked, plan.price), ...(locks === undefined ? {} : { locks }) },
    lane: { names: [plan.channel.lane], otherwise: 'wait', at },
    ...(expires === undefined ? {} : { goodUntil: expires }),
  }
  return planned(quote, plan)
}

async function quoteOpening(lane: string, asked: SessionOffer): Promise<Quote | Unpayable> {
  const { session, currency, slot } = asked
  const refusal = await mayReopen(asked)
  if (refusal !== undefined) return refusal
  const price = stepOf(asked, 0n)
  const deposit = depositFor(asked)
  const funded = await withFunding('open', { price, add: deposit }, asked)
  if ('unpayable' in funded) return funded
  const quote: Quote = { ...funded, lane: { names: [lane], otherwise: 'wait', at: 0n } }
  return planned(quote, { does: 'open', slot, lane, session, currency, price, deposit })
}

async function quoteTopUp(
  channel: Open,
  { at, total, price }: { readonly at: bigint; readonly total: bigint; readonly price: bigint },
  asked: SessionOffer,
): Promise<Quote | Unpayable> {
  const { session } = asked
  const { deposit } = channel
  if (total > mostOf(session))
    return unpayable('The total of the session exceeds the largest amount of its channel')
  const add = topUpFor({ needs: total - deposit, has: deposit }, asked)
  const funded = await withFunding('topUp', { price, add }, asked)
  if ('unpayable' in funded) return funded
  const quote: Quote = { ...funded, lane: { names: [channel.lane], otherwise: 'wait', at } }
  return planned(quote, { does: 'topUp', channel, session, price, add })
}

/**
 * Quotes the same total again on a fresh challenge. Both credentials sign the same total, so together they move the
 * money only once.
 */
async function quoteAgain(asked: SessionOffer, evidence: Evidence): Promise<Quote | Unpayable> {
  const { context, slot, session } = asked
  const inDoubt = unpayable('An earlier payment for this may still go through', 'payment_in_doubt')
  const detail = readDetail(evidence.detail)
  if (detail !== undefined && session.price !== detail.price) asked.parts.book.varies(context.resource)
  else asked.parts.book.drop(context.resource)
  if (detail === undefined || detail.slot !== slot || session.price > detail.price) return inDoubt
  const records = await context.channels.channels({ slot })
  const record = records.find(({ lane }) => lane === detail.lane)
  const channel = record && (await arrived(record, detail, asked))
  const { price, total } = detail
  if (channel?.state === 'opening')
    return sameOpening(channel, detail, asked) ?? { ...inDoubt, ...diesAt(detail) }
  if (channel?.state !== 'open' || channel.deposit < total) return { ...inDoubt, ...diesAt(detail) }
  const plan: Plan = { does: 'voucher', channel, price }
  return planned({ ...sameTotal(detail, asked), terms: termsOf(asked, price) }, plan)
}

/** The common part of both quotes: the new credential replaces the earlier one and cannot run elsewhere. */
function sameTotal({ lane, total }: SessionDetail, asked: SessionOffer): Omit<Quote, 'terms'> {
  const { expires } = asked.challenge
  return {
    ...quoteOf(asked),
    lane: { names: [lane], otherwise: 'wait', at: total },
    replaces: { name: lane, value: total },
    ...(expires === undefined ? {} : { goodUntil: expires }),
  }
}

/** Quotes exactly the same opening: the chain includes it once, even if it is sent several times. */
function sameOpening(channel: Opening, detail: SessionDetail, asked: SessionOffer): Quote | undefined {
  const { context, parts, session } = asked
  const sent = parts.openings.get(channel.lane)
  if (sent === undefined || sent.sending.seen !== channel.pending.seen) return undefined
  // The payer of the fee is part of the signed transaction.
  if (session.sponsored !== (sent.fee === undefined)) return undefined
  if (sent.sending.validBefore * 1000 < context.now + LEAST_LEFT_MS) return undefined
  const { price } = detail
  const terms = { ...termsOf(asked, price, sent.fee), locks: sent.locks }
  return planned({ ...sameTotal(detail, asked), terms }, { does: 'reopen', channel, sent, price })
}

/** Returns the channel. If its deposit does not cover the earlier total yet, the chain is read first. */
async function arrived(
  record: Channel,
  detail: SessionDetail,
  asked: SessionOffer,
): Promise<SessionChannel | undefined> {
  const { parts } = asked
  let channel = readRecord(record)
  if (channel === undefined) return undefined
  const lacks = channel.state === 'opening' || (channel.state === 'open' && channel.deposit < detail.total)
  if (lacks) {
    parts.busy.delete(channel.lane)
    channel = await settled(channel, asked)
  }
  return channel
}

function diesAt({ sending }: SessionDetail): Pick<Unpayable, 'earlierExpiresAt'> {
  return sending === undefined ? {} : { earlierExpiresAt: sending.validBefore * 1000 + FINALITY_MS }
}
