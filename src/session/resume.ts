import type { Channels } from '../ledger/index.js'
import {
  asBase64url,
  decodeBase64url,
  type Json,
  type JsonObject,
  parseJsonObject,
  type Resource,
} from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import type { Hex } from '../wallet/tempo/index.js'
import { readChannel } from './chain.js'
import { RESERVE, type Session } from './challenge.js'
import { channelIdOf, type Identity, readDescriptor, readIdentity, voucherKeyOf } from './identity.js'
import { readAddress, readAmount, readBytes, readHash } from './json.js'
import type { Open, SessionChannel } from './machine.js'
import { addressOfResource, type SessionOffer, slotOf } from './offer.js'
import type { SessionContext } from './options.js'
import { bearsSignature } from './voucher.js'

/** The wallet, and the channels that its ledger knows. */
interface ChannelContext {
  readonly channels: Channels
  readonly parts: SessionContext
}

/** A checked channel of this payer that a server remembers. */
interface Remembered {
  readonly identity: Extract<Identity, { readonly protocol: 'v2' }>
  /** The highest total with the payer's signature, or the captured amount if that is higher. */
  readonly base: bigint
  readonly deposit: bigint
}

/**
 * Finds a channel that the server remembers and the ledger does not know. It must be this payer's, open on the chain,
 * and its highest voucher must bear the PAYER'S signature. No other field of a snapshot is trusted
 * (draft-tempo-session-00, "Session Snapshot").
 */
export async function rememberedChallenge(asked: SessionOffer, lane: string): Promise<Open | undefined> {
  const { session, context, parts, slot, currency, challenge } = asked
  const snapshot = session.snapshot ?? parts.recalled.get(slot)
  if (snapshot === undefined) return undefined
  const found = await remembered(snapshot, session, { channels: context.channels, parts })
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

/** Checks a remembered channel and stores it. It is checked again before anything is signed on it. */
export async function restoreChannel(said: string, at: Resource, context: ChannelContext): Promise<boolean> {
  const { parts } = context
  const snapshot = readSnapshot(said)
  const escrow = readAddress(snapshot?.['escrow'])
  const chainId = snapshot?.['chainId']
  if (snapshot === undefined || escrow === undefined || typeof chainId !== 'number') return false
  if (escrow !== RESERVE && !parts.escrows.has(escrow)) return false
  const found = await remembered(snapshot, { escrow, chainId }, context)
  if (found === undefined) return false
  if (parts.recalled.size >= MOST) parts.recalled.clear()
  parts.recalled.set(slotOf(found.identity, at, parts), snapshot)
  return true
}

/** The limit of stored channels. A payer has few vendors and asks one at a time. */
const MOST = 100
/** The length limit of the header, in characters. A snapshot has about a kilobyte. */
const LONGEST = 16_384

/** Decodes a snapshot: base64url without padding by the specification, base64 with padding by the reference server. */
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
  { channels, parts }: ChannelContext,
): Promise<Remembered | undefined> {
  const identity = readDescriptor(snapshot['descriptor'], escrow, chainId)
  const nodes = parts.config.nodes(chainId)
  if (identity?.protocol !== 'v2' || nodes === undefined) return undefined
  const id = channelIdOf(identity)
  const ours =
    readHash(snapshot['channelId']) === id &&
    identity.payer === parts.config.sender &&
    voucherKeyOf(identity) === parts.signer
  const total = ours ? await ourTotal(snapshot, identity, parts) : undefined
  if (total === undefined) return undefined
  // A channel that the ledger has, closed or at another address, is not restored.
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

/** Returns the highest total for which the snapshot has the payer's own signature. */
async function ourTotal(
  snapshot: JsonObject,
  identity: Identity,
  { signer }: SessionContext,
): Promise<bigint | undefined> {
  const voucher = snapshot['highestVoucher']
  if (!isObject(voucher) || readHash(voucher['channelId']) !== channelIdOf(identity)) return undefined
  const total = readAmount(voucher['cumulativeAmount'])
  const signature = readBytes(voucher['signature'])
  if (total === undefined || signature === undefined) return undefined
  return (await bearsSignature(signer, identity, { total, signature })) ? total : undefined
}

/**
 * Raises the known total after a power cut, when the ledger may know less than was signed. The server's number is not
 * trusted, but the payer's own signature is. The next total is above it.
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
