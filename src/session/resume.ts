import type { Channels } from '../ledger/index.js'
import { asBase64url } from '../protocol/base64url.js'
import {
  decodeBase64url,
  type Json,
  type JsonObject,
  parseJsonObject,
  type Resource,
} from '../protocol/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import { readChannel } from './chain.js'
import { RESERVE, type Session } from './challenge.js'
import { channelIdOf, type Identity, readDescriptor, readIdentity, voucherKeyOf } from './identity.js'
import { isObject, readAddress, readAmount, readHex } from './json.js'
import type { Open, SessionChannel } from './machine.js'
import { addressOfResource, type SessionOffer, slotOf } from './offer.js'
import type { SessionContext } from './options.js'
import { bearsSignature } from './voucher.js'

/** A channel of ours as a server says it remembers it, checked. */
interface Remembered {
  readonly identity: Extract<Identity, { readonly protocol: 'v2' }>
  /** The highest total that bears our signature, or what was taken of it where that is more. */
  readonly base: bigint
  readonly deposit: bigint
}

/**
 * A channel that the server remembers and the ledger does not: ours, open on the chain, and with OUR signature under the
 * highest voucher. Nothing else that a snapshot says is believed (draft-tempo-session-00, "Session Snapshot").
 */
export async function rememberedChallenge(asked: SessionOffer, lane: string): Promise<Open | undefined> {
  const { session, context, parts, slot, currency, challenge } = asked
  const snapshot = session.snapshot ?? parts.recalled.get(slot)
  if (snapshot === undefined) return undefined
  const found = await remembered(snapshot, session, context.channels, parts)
  if (found === undefined) {
    parts.recalled.delete(slot)
    return undefined
  }
  const { payee, token, operator } = session
  const { identity, base, deposit } = found
  const fits = identity.payee === payee && identity.token === token && identity.operator === operator
  if (!fits) return undefined
  return {
    state: 'open',
    lane,
    slot,
    wallet: parts.id,
    vendor: context.resource.vendor,
    address: addressOfResource(context.resource),
    identity,
    id: channelIdOf(identity),
    currency,
    base,
    funding: [],
    openedAt: 0,
    challenge,
    deposit,
  }
}

/** Looked into before it is kept, and again before anything is signed on it. */
export async function restoreChannel(
  said: string,
  at: Resource,
  channels: Channels,
  parts: SessionContext,
): Promise<boolean> {
  const snapshot = readSnapshot(said)
  const escrow = readAddress(snapshot?.['escrow'])
  const chainId = snapshot?.['chainId']
  if (snapshot === undefined || escrow === undefined || typeof chainId !== 'number') return false
  if (escrow !== RESERVE && !parts.escrows.has(escrow)) return false
  const found = await remembered(snapshot, { escrow, chainId }, channels, parts)
  if (found === undefined) return false
  if (parts.recalled.size >= MOST) parts.recalled.clear()
  parts.recalled.set(slotOf(found.identity, at, parts), snapshot)
  return true
}

/** More are not kept: a purser has few vendors, and asks one at a time. */
const MOST = 100
/** Of a header; a snapshot is about a kilobyte long. */
const LONGEST = 16_384

/** Base64url without padding by the specification, base64 with it by the reference server. */
function readSnapshot(said: string): JsonObject | undefined {
  const bytes = said.length > LONGEST ? undefined : decodeBase64url(asBase64url(said))
  try {
    return bytes && parseJsonObject(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

async function remembered(
  snapshot: JsonObject,
  { escrow, chainId }: Pick<Session, 'escrow' | 'chainId'>,
  channels: Channels,
  parts: SessionContext,
): Promise<Remembered | undefined> {
  const identity = readDescriptor(snapshot['descriptor'], escrow, chainId)
  const nodes = parts.config.nodes(chainId)
  if (identity?.protocol !== 'v2' || nodes === undefined) return undefined
  const id = channelIdOf(identity)
  const ours =
    readHex(snapshot['channelId'], 32) === id &&
    identity.payer === parts.config.sender &&
    voucherKeyOf(identity) === parts.signer
  const total = ours ? await ourTotal(snapshot, identity, parts) : undefined
  if (total === undefined) return undefined
  // One that the ledger has, as closed or elsewhere, is not taken up again.
  const known = await channels.channels({ wallet: parts.id })
  if (known.some(({ detail }) => idIn(detail) === id)) return undefined
  const chain = await readChannel(nodes, identity).catch(() => undefined)
  if (chain?.state !== 'open' || chain.closeRequestedAt !== 0 || chain.deposit <= total) return undefined
  return { identity, base: total > chain.captured ? total : chain.captured, deposit: chain.deposit }
}

function idIn(detail: Json): Hex | undefined {
  const identity = isObject(detail) ? readIdentity(detail['identity']) : undefined
  return identity && channelIdOf(identity)
}

/** The highest total under which the snapshot shows our own signature. */
async function ourTotal(
  snapshot: JsonObject,
  identity: Identity,
  { signer }: SessionContext,
): Promise<bigint | undefined> {
  const voucher = snapshot['highestVoucher']
  if (!isObject(voucher) || readHex(voucher['channelId'], 32) !== channelIdOf(identity)) return undefined
  const total = readAmount(voucher['cumulativeAmount'])
  const signature = readHex(voucher['signature'])
  if (total === undefined || signature === undefined) return undefined
  return (await bearsSignature(signer, identity, { total, signature })) ? total : undefined
}

/**
 * After a loss of power the ledger may know of less than was signed. The server's word is not taken for it, but our own
 * signature is: the next total goes on above it.
 */
export async function restoredChannel(
  channel: SessionChannel,
  before: bigint,
  asked: SessionOffer,
): Promise<SessionChannel> {
  const { parts, context, session } = asked
  const voucher = session.snapshot?.['highestVoucher']
  if (session.snapshot === undefined || !isObject(voucher)) return channel
  const claimed = readAmount(voucher['cumulativeAmount'])
  if (claimed === undefined || claimed <= before) return channel
  const total = await ourTotal(session.snapshot, channel.identity, parts)
  if (total === undefined) return channel
  return (await parts.book.apply(channel, { kind: 'recalled', total }, context.channels)) ?? channel
}
