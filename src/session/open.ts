import { bytesToHex } from 'viem/utils'
import { amount, type Instant } from '../money/index.js'
import type { Prepared } from '../wallet/index.js'
import { completeOrDiscard } from '../wallet/shared.js'
import type { Hex } from '../wallet/tempo/index.js'
import { failed, takenBy } from '../wallet/tempo/shared.js'
import { openCalls } from './calls.js'
import { EXPIRING_SECONDS } from './chain.js'
import type { Sending } from './evidence.js'
import { channelIdOf, type Identity } from './identity.js'
import type { Opening } from './machine.js'
import { addressOfResource } from './offer.js'
import type { SentOpening, SessionContext } from './options.js'
import type { PlanOf } from './plan.js'
import {
  credentialOf,
  evidenceFor,
  newTotal,
  type SigningContext,
  signVoucher,
  transact,
  voucherPayload,
} from './signing.js'

/** Prepares the transaction that locks the deposit, and the first voucher on the new channel. */
export async function prepareOpen(plan: PlanOf<'open'>, work: SigningContext): Promise<Prepared> {
  const { quote, options, parts } = work
  const { challenge } = quote
  const { channel, sending, raw } = await openingOf(plan, work)
  const total = newTotal(work, channel, plan.price)
  const signature = await signVoucher(channel.identity, total, work)
  const stored = await parts.book.apply(channel, { kind: 'begun', channel }, options.channels)
  if (stored?.id !== channel.id) throw failed('Another process is opening a channel just now')
  parts.busy.set(channel.lane, sending.validBefore * 1000)
  const payload = {
    ...voucherPayload('open', channel, total, signature),
    type: 'transaction',
    transaction: raw,
    authorizedSigner: channel.identity.signer,
  }
  return {
    evidence: evidenceFor({ form: 'open', total, price: plan.price, sending }, channel, work),
    signedTotal: total,
    ...completeOrDiscard(
      async () => {
        const { fee, locks } = quote.terms
        for (const { token, value } of takenBy(amount(plan.deposit, channel.currency), fee))
          parts.balances.took(plan.session.chainId, token, value)
        if (locks !== undefined)
          keep(channel.lane, { payload, sending, locks, ...(fee ? { fee } : {}) }, options.now, parts)
        const credential = credentialOf(challenge, payload, parts, channel.identity)
        return { credential, goodUntil: sending.validBefore * 1000 }
      },
      async () => {
        parts.busy.delete(channel.lane)
        await parts.book.apply(channel, { kind: 'lapsed', seen: sending.seen }, options.channels)
      },
    ),
  }
}

/**
 * Prepares the same transaction and voucher again after the server asked again: of one transaction only one can be
 * included. The first credential's evidence covers the fee, so that it never counts twice.
 */
export function prepareReopen({ channel, sent, price }: PlanOf<'reopen'>, work: SigningContext): Prepared {
  const { quote, parts } = work
  const total = newTotal(work, channel, price)
  const { feeCurrency: _, ...sending } = sent.sending
  const goodUntil = sending.validBefore * 1000
  return {
    evidence: evidenceFor({ form: 'open', total, price, sending }, channel, work),
    signedTotal: total,
    ...completeOrDiscard(async () => {
      parts.busy.set(channel.lane, goodUntil)
      return { credential: credentialOf(quote.challenge, sent.payload, parts, channel.identity), goodUntil }
    }),
  }
}

/** Remembers an opening until it expires. */
function keep(lane: string, sent: SentOpening, now: Instant, { openings }: SessionContext): void {
  for (const [other, { sending }] of openings) if (sending.validBefore * 1000 <= now) openings.delete(other)
  openings.set(lane, sent)
}

/** Creates the transaction and its channel. In v2 the transaction itself names the channel. */
async function openingOf(
  plan: PlanOf<'open'>,
  work: SigningContext,
): Promise<{ readonly channel: Opening; readonly sending: Sending; readonly raw: Hex }> {
  const { quote, payment, options, parts } = work
  const { session, deposit, lane, slot, currency } = plan
  const { chainId, escrow, payee, token, operator } = session
  const salt = bytesToHex(parts.config.random(32))
  const parties = { chainId, escrow, payer: parts.config.sender, payee, token, salt, signer: parts.signer }
  const opening =
    session.protocol === 'v1'
      ? { ...parties, protocol: 'v1' as const }
      : { ...parties, protocol: 'v2' as const, operator }
  const { sending, raw, seen } = await transact(
    { kind: 'open', calls: openCalls(opening, deposit), add: deposit, chainId },
    work,
  )
  const identity: Identity = opening.protocol === 'v1' ? opening : { ...opening, openHash: seen }
  const channel: Opening = {
    state: 'opening',
    lane,
    slot,
    wallet: parts.id,
    vendor: quote.resource.vendor,
    address: addressOfResource(quote.resource),
    identity,
    id: channelIdOf(identity),
    currency,
    base: 0n,
    funding: [payment],
    openedAt: sending.validBefore - EXPIRING_SECONDS,
    challenge: quote.challenge,
    pending: sending,
  }
  options.signal?.throwIfAborted()
  return { channel, sending, raw }
}
