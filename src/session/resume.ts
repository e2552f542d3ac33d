import type { Json } from '../protocol/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import { type Asked, addressOfResource } from './asked.js'
import { readChannel } from './chain.js'
import { channelIdOf, type Identity, readDescriptor, readIdentity, voucherKeyOf } from './identity.js'
import { isObject, readAmount, readHex } from './json.js'
import type { Open, SessionChannel } from './machine.js'
import { bearsSignature } from './voucher.js'

/**
 * A channel that the server remembers and the ledger does not: ours, open on the chain, and with OUR signature under the
 * highest voucher. Nothing else that a snapshot says is believed (draft-tempo-session-00, "Session Snapshot").
 */
export async function resumable(asked: Asked, lane: string): Promise<Open | undefined> {
  const { session, context, parts, slot, currency, challenge } = asked
  const { snapshot, escrow, chainId } = session
  if (snapshot === undefined) return undefined
  const identity = readDescriptor(snapshot['descriptor'], escrow, chainId)
  if (identity === undefined || identity.protocol !== 'v2') return undefined
  const id = channelIdOf(identity)
  const ours =
    readHex(snapshot['channelId'], 32) === id &&
    identity.payer === parts.config.sender &&
    voucherKeyOf(identity) === parts.signer &&
    identity.payee === session.payee &&
    identity.token === session.token &&
    identity.operator === session.operator
  if (!ours) return undefined
  const base = await ourTotal(asked, identity, id)
  if (base === undefined) return undefined
  const known = await context.channels.channels({ wallet: parts.id })
  // One that the ledger has as closed, or elsewhere, is not taken up again.
  if (known.some(({ detail }) => idIn(detail) === id)) return undefined
  const chain = await readChannel(parts.config.nodes(chainId) ?? [], identity).catch(() => undefined)
  if (chain?.state !== 'open' || chain.closeRequestedAt !== 0 || chain.deposit <= base) return undefined
  return {
    state: 'open',
    lane,
    slot,
    wallet: parts.id,
    vendor: context.resource.vendor,
    address: addressOfResource(context.resource),
    identity,
    id,
    currency,
    base: base > chain.captured ? base : chain.captured,
    funding: [],
    openedAt: 0,
    challenge,
    deposit: chain.deposit,
  }
}

function idIn(detail: Json): Hex | undefined {
  const identity = isObject(detail) ? readIdentity(detail['identity']) : undefined
  return identity && channelIdOf(identity)
}

/** The highest total under which the snapshot shows our own signature. */
async function ourTotal({ session, parts }: Asked, identity: Identity, id: Hex): Promise<bigint | undefined> {
  const voucher = session.snapshot?.['highestVoucher']
  if (!isObject(voucher) || readHex(voucher['channelId'], 32) !== id) return undefined
  const total = readAmount(voucher['cumulativeAmount'])
  const signature = readHex(voucher['signature'])
  if (total === undefined || signature === undefined) return undefined
  return (await bearsSignature(parts.signer, identity, { total, signature })) ? total : undefined
}

/**
 * After a loss of power the ledger may know of less than was signed. The server's word is not taken for it, but our own
 * signature is: the next total goes on above it.
 */
export async function recalled(
  channel: SessionChannel,
  before: bigint,
  asked: Asked,
): Promise<SessionChannel> {
  const voucher = asked.session.snapshot?.['highestVoucher']
  if (!isObject(voucher)) return channel
  const claimed = readAmount(voucher['cumulativeAmount'])
  if (claimed === undefined || claimed <= before) return channel
  const total = await ourTotal(asked, channel.identity, channel.id)
  if (total === undefined) return channel
  const { parts, context } = asked
  return (await parts.book.apply(channel, { kind: 'recalled', total }, context.channels)) ?? channel
}
