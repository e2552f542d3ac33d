import type { Channel, Channels } from '../ledger/index.js'
import { amount, formatAmount, type Instant } from '../money/index.js'
import { PROBLEMS, type Problem } from '../protocol/index.js'
import type { Abandonment, RejectedCredential, Unpayable } from '../wallet/index.js'
import { GRACE_SECONDS } from './chain.js'
import { readDetail } from './evidence.js'
import type { SessionChannel } from './machine.js'
import { type SessionOffer, totalOf, unpayable } from './offer.js'
import type { SessionContext } from './options.js'
import { readRecord } from './record.js'

const GONE = 410
/** What a vendor says of a channel that it does not know, or takes for closed. */
const FORGETTING: readonly string[] = [PROBLEMS.sessionChannelNotFound, PROBLEMS.sessionChannelFinalized]

/** The second channel that a vendor forgets within this time makes the next opening wait. */
const DAY_MS = 86_400_000

/**
 * A vendor that does not know the channel serves nothing for its vouchers, and may cash them all the same. So no further
 * one is signed on it, whatever the chain shows of it.
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

/** A `HEAD`, a WebSocket or a plain server gives the status alone. */
function saysForgotten({ type, status }: Problem): boolean {
  return FORGETTING.includes(type) || (type === 'about:blank' && status === GONE)
}

async function leftIn(channel: SessionChannel, channels: Channels): Promise<string> {
  const stop = 'Nothing more is signed on it, and the next call may open another one.'
  if (channel.state === 'opening') return `${stop} Its deposit is fetched back if the chain has it.`
  const signed = totalOf(channel, await channels.signed(channel.lane))
  const rest = channel.deposit > signed ? channel.deposit - signed : 0n
  const back = formatAmount(amount(rest, channel.currency))
  return `${stop} At least ${back} of its deposit is fetched back by a forced close.`
}

/** Is this a channel that its vendor does not know, and whose deposit is still out? */
export function isForgotten(record: Channel): boolean {
  return record.state !== 'closed' && readRecord(record)?.forgottenAt !== undefined
}

/**
 * One channel that was forgotten is replaced at once. A vendor that forgets again within a day waits: each time twice as
 * long as before, beginning with the time that a forced close takes. So a vendor that says so on purpose gets no series of
 * first vouchers, and no series of fees and deposits is spent on it.
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
