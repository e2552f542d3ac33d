import type { Channel, Channels } from '../ledger/index.js'
import { amount } from '../money/index.js'
import type { ChannelOperation, ChannelView, Quote, Unpayable } from '../wallet/index.js'
import { unpayable } from '../wallet/shared.js'
import { GRACE_SECONDS } from './chain.js'
import { readSession } from './challenge.js'
import { fundedFor } from './deposit.js'
import type { SessionChannel } from './machine.js'
import { read, type SessionOffer, totalOf } from './offer.js'
import type { SessionContext } from './options.js'
import { planned } from './plan.js'
import { reconcile, settled } from './reconcile.js'
import { readRecord } from './record.js'
import { quoteOf, termsOf, withFunding } from './terms.js'

/** Reads a channel from the chain and stores the result. */
export async function inspectChannel(
  record: Channel,
  channels: Channels,
  parts: SessionContext,
): Promise<ChannelView | undefined> {
  const before = readRecord(record)
  if (before === undefined) return undefined
  const seen = await reconcile(before, channels, parts).catch(() => undefined)
  if (seen === undefined) return undefined
  const { channel, chain } = seen
  const { currency } = channel
  const over = channel.state === 'closed'
  const captured = over ? (channel.captured ?? chain.captured) : chain.captured
  return {
    deposit: amount(
      chain.state === 'none' && channel.state !== 'opening' ? channel.deposit : chain.deposit,
      currency,
    ),
    captured: amount(captured, currency),
    closed: over,
    ...(chain.closeRequestedAt === 0 || over
      ? {}
      : { withdrawableAt: (chain.closeRequestedAt + GRACE_SECONDS) * 1000 }),
  }
}

/** Quotes an owner's operation. It is authorized like every payment. */
export async function quoteOperation(
  act: ChannelOperation,
  record: Channel,
  { context, parts }: Pick<SessionOffer, 'context' | 'parts'>,
): Promise<Quote | Unpayable> {
  const before = readRecord(record)
  const channel = before && ((await parts.book.current(before, context.channels)) ?? before)
  if (channel === undefined || channel.wallet !== parts.id)
    return unpayable('This wallet has no such channel')
  const { challenge } = channel
  const asked = read(challenge, context, parts)
  if ('unpayable' in asked) return asked
  if (channel.state === 'closed') return unpayable('The channel is closed')
  if (channel.state === 'opening') return unpayable('The channel is still being opened', 'busy')
  switch (act.kind) {
    case 'topUp':
      return quoteFund(act.amount, channel, asked)
    case 'close':
      return channel.state === 'closing' && channel.agreed === true
        ? unpayable(
            'The vendor has said that it closes the channel, and the chain does not show it yet',
            'busy',
          )
        : quoteClose(channel, asked)
    case 'requestClose':
    case 'withdraw':
      return quoteAlone(act.kind, channel, asked)
  }
}

async function laneOf(
  channel: SessionChannel,
  { context }: SessionOffer,
): Promise<NonNullable<Quote['lane']>> {
  const at = await context.channels.signed(channel.lane)
  return { names: [channel.lane], otherwise: 'wait', at }
}

async function quoteFund(
  add: bigint,
  known: SessionChannel,
  asked: SessionOffer,
): Promise<Quote | Unpayable> {
  const waits = known.state === 'open' && known.pending !== undefined
  const channel = waits ? await settled(known, asked) : known
  if (channel.state === 'open' && channel.pending !== undefined)
    return unpayable('A top-up of this session is still pending', 'busy')
  const session = readSession(channel.challenge)
  if ('unpayable' in session) return session
  const funded = await withFunding('topUp', { price: 0n, add }, { ...asked, challenge: lasting(asked) })
  if ('unpayable' in funded) return funded
  const quote: Quote = { ...funded, lane: await laneOf(channel, asked) }
  return planned(quote, { does: 'fund', channel, session, add })
}

async function quoteClose(channel: SessionChannel, asked: SessionOffer): Promise<Quote> {
  const lane = await laneOf(channel, asked)
  const highest = totalOf(channel, lane.at ?? 0n)
  const delivered = asked.parts.book.delivered(channel.lane) ?? highest
  const quote: Quote = { ...bare(asked), terms: termsOf(asked, 0n), lane }
  return planned(quote, {
    does: 'close',
    channel,
    highest,
    delivered: delivered < highest ? delivered : highest,
  })
}

async function quoteAlone(
  kind: 'requestClose' | 'withdraw',
  channel: SessionChannel,
  asked: SessionOffer,
): Promise<Quote | Unpayable> {
  const funded = await fundedFor(kind, amount(0n, asked.currency), asked)
  if ('unpayable' in funded) return funded
  const terms = termsOf(asked, 0n, funded.fee)
  const quote: Quote = { ...bare(asked), terms, lane: await laneOf(channel, asked) }
  return planned(quote, { does: kind, channel })
}

/**
 * Quotes without the challenge's expiry: the server decides about an expired one, and an operation has its own expiry.
 */
function bare(asked: SessionOffer): ReturnType<typeof quoteOf> {
  return quoteOf({ ...asked, challenge: lasting(asked) })
}

function lasting({ challenge }: SessionOffer): SessionOffer['challenge'] {
  const { expires: _, ...rest } = challenge
  return rest
}
