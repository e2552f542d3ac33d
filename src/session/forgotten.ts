import type { Channel, Channels } from '../ledger/index.js'
import { amount, formatAmount, type Instant } from '../money/index.js'
import { PROBLEMS, type Problem } from '../protocol/index.js'
import type { Abandonment, RejectedCredential, Unpayable } from '../wallet/index.js'
import { unpayable } from '../wallet/shared.js'
import { GRACE_SECONDS } from './chain.js'
import { readDetail } from './evidence.js'
import type { SessionChannel } from './machine.js'
import { type SessionOffer, totalOf } from './offer.js'
import type { SessionContext } from './options.js'
import { readRecord } from './record.js'

const GONE = 410
/** The problems of a vendor that does not know a channel, or takes it for closed. */
const FORGETTING: readonly string[] = [PROBLEMS.sessionChannelNotFound, PROBLEMS.sessionChannelFinalized]

/** If a vendor forgets a second channel within this time, in milliseconds, the next opening must wait. */
const DAY_MS = 86_400_000

/**
 * Handles a rejection. A vendor that does not know the channel delivers nothing for its vouchers, but may still cash
 * them. So no further voucher is signed on it, even if the chain shows it as open.
 */
export async function rejected(
  { evidence, problem, now, channels }: RejectedCredential,
  parts: SessionContext,
): Promise<Abandonment | undefined> {
  const detail = readDetail(evidence.detail)
  if (detail === undefined || !saysForgotten(problem)) return undefined
  const channel = await parts.book.apply(detail, { kind: 'forgotten', at: now }, channels)
  if (channel === undefined || channel.state === 'closed') return undefined
  parts.busy.delete(channel.lane)
  parts.openings.delete(channel.lane)
  return {
    message: `The vendor says that it does not know the session any more. ${await leftIn(channel, channels)}`,
  }
}

/**
 * Tells whether a problem means a forgotten channel. A `HEAD`, a WebSocket or a plain server may give the status only.
 */
function saysForgotten({ type, status }: Problem): boolean {
  return FORGETTING.includes(type) || (type === 'about:blank' && status === GONE)
}

async function leftIn(channel: SessionChannel, channels: Channels): Promise<string> {
  const stop = 'Purser signs nothing more on it, and the next call may open another one.'
  if (channel.state === 'opening') return `${stop} Purser reclaims its deposit if the chain has it.`
  const signed = totalOf(channel, await channels.signed(channel.lane))
  const rest = channel.deposit > signed ? channel.deposit - signed : 0n
  const back = formatAmount(amount(rest, channel.currency))
  return `${stop} Purser reclaims at least ${back} of its deposit by a forced close.`
}

/** Tells whether the vendor does not know this channel and its deposit is still locked. */
export function isForgotten(record: Channel): boolean {
  return record.state !== 'closed' && readRecord(record)?.forgottenAt !== undefined
}

/**
 * Tells whether a new channel may be opened. One forgotten channel is replaced at once. If the vendor forgets again
 * within a day, the next opening waits, each time twice as long, starting with the time of a forced close. So a vendor
 * cannot collect a series of first vouchers by forgetting on purpose, or cause a series of fees and deposits.
 */
export async function mayReopen({ context, parts }: SessionOffer): Promise<Unpayable | undefined> {
  const { resource, now, channels } = context
  const all = await channels.channels({ vendor: resource.vendor, wallet: parts.id })
  const times = all.flatMap((record) => readRecord(record)?.forgottenAt ?? [])
  const recent = times.filter((at) => at > now - DAY_MS)
  const until = Math.max(...recent) + pauseAfter(recent.length)
  if (!(until > now)) return undefined
  return unpayable(
    `This vendor has forgotten ${recent.length} sessions within a day, so none is opened there before ${new Date(until).toISOString()}. Another way to pay it, such as tempo(), is not affected`,
  )
}

function pauseAfter(forgotten: number): Instant {
  return forgotten < 2 ? 0 : GRACE_SECONDS * 1000 * 2 ** (forgotten - 2)
}
