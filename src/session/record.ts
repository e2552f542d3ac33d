import type { Channel } from '../ledger/index.js'
import { amount } from '../money/index.js'
import type { Challenge, Json, JsonObject } from '../protocol/index.js'
import { withoutSnapshot } from './challenge.js'
import { channelIdOf, identityJson, readIdentity } from './identity.js'
import { isObject, readAmount, readHex } from './json.js'
import type { Pending, SessionChannel } from './machine.js'

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
  const { identity, base, openedAt, challenge } = channel
  const pending = channel.state === 'opening' || channel.state === 'open' ? channel.pending : undefined
  const captured = channel.state === 'closed' ? channel.captured : undefined
  const { since, agreed } = channel.state === 'closing' ? channel : {}
  const { forgottenAt } = channel
  return {
    identity: identityJson(identity),
    base: base.toString(),
    openedAt,
    ...challengeJson(challenge),
    ...(pending === undefined ? {} : { pending: pendingJson(pending) }),
    ...(captured === undefined ? {} : { captured: captured.toString() }),
    ...(since === undefined ? {} : { since }),
    ...(agreed === undefined ? {} : { agreed }),
    ...(forgottenAt === undefined ? {} : { forgottenAt }),
  }
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

function parse(record: Channel): SessionChannel | undefined {
  const { detail } = record
  if (!isObject(detail)) return undefined
  const identity = readIdentity(detail['identity'])
  const base = readAmount(detail['base'])
  const { openedAt } = detail
  const challenge = readChallenge(detail['challenge'])
  if (!identity || base === undefined || typeof openedAt !== 'number' || !challenge) return undefined
  const { lane, slot, wallet, vendor, address, funding } = record
  const { currency, value: deposit } = record.deposit
  const id = channelIdOf(identity)
  const common = {
    lane,
    slot,
    wallet,
    vendor,
    address,
    funding,
    currency,
    identity,
    id,
    base,
    openedAt,
    challenge,
    ...(typeof detail['forgottenAt'] === 'number' ? { forgottenAt: detail['forgottenAt'] } : {}),
  }
  const pending = readPending(detail['pending'])
  const captured = readAmount(detail['captured'])
  const since = typeof detail['since'] === 'number' ? { since: detail['since'] } : {}
  const agreed = detail['agreed'] === true ? { agreed: detail['agreed'] } : {}
  switch (record.state) {
    case 'opening':
      return pending && { ...common, state: 'opening', pending }
    case 'open':
      return { ...common, state: 'open', deposit, ...(pending ? { pending } : {}) }
    case 'closing':
      return { ...common, state: 'closing', deposit, ...since, ...agreed }
    case 'closed':
      return { ...common, state: 'closed', deposit, ...(captured === undefined ? {} : { captured }) }
  }
}

export function pendingJson({ add, seen, validBefore, payment }: Pending): JsonObject {
  return { add: add.toString(), seen, validBefore, ...(payment === undefined ? {} : { payment }) }
}

export function readPending(value: Json | undefined): Pending | undefined {
  if (!isObject(value)) return undefined
  const add = readAmount(value['add'])
  const seen = readHex(value['seen'], 32)
  const { validBefore, payment } = value
  if (add === undefined || seen === undefined || typeof validBefore !== 'number') return undefined
  return { add, seen, validBefore, ...(typeof payment === 'string' ? { payment } : {}) }
}

/**
 * Encodes a challenge without its snapshot: a record must hold no voucher, because a voucher is as good as cash to its
 * payee.
 */
function challengeJson(challenge: Challenge): JsonObject {
  const { kind, id, realm, request, expires, echo } = withoutSnapshot(challenge)
  if (echo.envelope !== 'mpp') return {}
  const { envelope, params, header } = echo
  const more = expires === undefined ? {} : { expires }
  return {
    challenge: { kind, id, realm, request, echo: { envelope, params: { ...params }, header }, ...more },
  }
}

function readChallenge(value: Json | undefined): Challenge | undefined {
  if (!isObject(value)) return undefined
  const { id, realm, request, expires, echo } = value
  if (typeof id !== 'string' || typeof realm !== 'string' || !isObject(request) || !isObject(echo))
    return undefined
  const { params, header } = echo
  if (!isObject(params) || (header !== 'authorization' && header !== 'payment-authorization'))
    return undefined
  const texts: Record<string, string> = {}
  for (const [name, text] of Object.entries(params)) if (typeof text === 'string') texts[name] = text
  return {
    kind: 'tempo/session',
    id,
    realm,
    request,
    echo: { envelope: 'mpp', params: texts, header },
    ...(typeof expires === 'number' ? { expires } : {}),
  }
}
