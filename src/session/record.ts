import * as z from 'zod/mini'
import type { Channel } from '../ledger/index.js'
import { amount } from '../money/index.js'
import type { Challenge, JsonObject } from '../protocol/index.js'
import { jsonObject, reader, toJson, tolerant } from '../wallet/evidence.js'
import { withoutSnapshot } from './challenge.js'
import { channelIdOf, identity } from './identity.js'
import { decimal, pending } from './json.js'
import type { SessionChannel } from './machine.js'

/** Converts a channel to its record in the ledger. */
export function recordOf(channel: SessionChannel, rev: number): Channel {
  const { lane, slot, wallet, vendor, address, state, funding, currency } = channel
  const deposit = channel.state === 'opening' ? 0n : channel.deposit
  const detail = detailOf(channel)
  return {
    lane,
    slot,
    wallet,
    vendor,
    address,
    state,
    funding,
    deposit: amount(deposit, currency),
    detail,
    rev,
  }
}

function detailOf(channel: SessionChannel): JsonObject {
  const { identity, base, openedAt, challenge, forgottenAt } = channel
  return toJson({
    identity,
    base,
    openedAt,
    challenge: storedChallenge(challenge),
    pending: channel.state === 'opening' || channel.state === 'open' ? channel.pending : undefined,
    captured: channel.state === 'closed' ? channel.captured : undefined,
    since: channel.state === 'closing' ? channel.since : undefined,
    agreed: channel.state === 'closing' ? channel.agreed : undefined,
    forgottenAt,
  })
}

/** A cache: records are read with every call and rarely change. */
const known = new WeakMap<Channel, SessionChannel>()

/** Undefined if the record is not of this wallet, or is damaged. */
export function readRecord(record: Channel): SessionChannel | undefined {
  const before = known.get(record)
  if (before !== undefined) return before
  const channel = parse(record)
  if (channel !== undefined) known.set(record, channel)
  return channel
}

const challenge = tolerant(
  z.object({
    id: z.string(),
    realm: z.string(),
    request: jsonObject,
    expires: z.exactOptional(z.number()),
    echo: z.object({
      params: z.pipe(z.record(z.string(), z.unknown()), z.transform(textsOf)),
      header: z.enum(['authorization', 'payment-authorization']),
    }),
  }),
  ['expires'],
)

const readParts = reader(
  tolerant(
    z.object({
      identity,
      base: decimal,
      openedAt: z.number(),
      challenge,
      forgottenAt: z.exactOptional(z.number()),
      pending: z.exactOptional(tolerant(pending, ['payment'])),
      captured: z.exactOptional(decimal),
      since: z.exactOptional(z.number()),
      agreed: z.exactOptional(z.literal(true)),
    }),
    ['forgottenAt', 'pending', 'captured', 'since', 'agreed'],
  ),
)

function parse(record: Channel): SessionChannel | undefined {
  const parts = readParts(record.detail)
  if (parts === undefined) return undefined
  const { identity, base, openedAt, forgottenAt, captured, since, agreed } = parts
  const { id: challengeId, realm, request, expires, echo } = parts.challenge
  const { lane, slot, wallet, vendor, address, funding } = record
  const { currency, value: deposit } = record.deposit
  const common = {
    lane,
    slot,
    wallet,
    vendor,
    address,
    funding,
    currency,
    identity,
    id: channelIdOf(identity),
    base,
    openedAt,
    challenge: {
      kind: 'tempo/session',
      id: challengeId,
      realm,
      request,
      echo: { envelope: 'mpp', ...echo },
      ...(expires === undefined ? {} : { expires }),
    },
    ...(forgottenAt === undefined ? {} : { forgottenAt }),
  } as const
  switch (record.state) {
    case 'opening':
      return parts.pending && { ...common, state: 'opening', pending: parts.pending }
    case 'open':
      return { ...common, state: 'open', deposit, ...(parts.pending && { pending: parts.pending }) }
    case 'closing':
      return {
        ...{ ...common, state: 'closing', deposit },
        ...(since === undefined ? {} : { since }),
        ...(agreed === undefined ? {} : { agreed }),
      }
    case 'closed':
      return { ...common, state: 'closed', deposit, ...(captured === undefined ? {} : { captured }) }
  }
}

/** Returns the challenge without its snapshot: the ledger must not hold a voucher, which its payee could cash. */
function storedChallenge(challenge: Challenge) {
  const { kind, id, realm, request, expires, echo } = withoutSnapshot(challenge)
  if (echo.envelope !== 'mpp') return undefined
  const { envelope, params, header } = echo
  return { kind, id, realm, request, expires, echo: { envelope, params, header } }
}

function textsOf(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {}
  for (const [name, text] of Object.entries(values)) if (typeof text === 'string') texts[name] = text
  return texts
}
