import { keccak256 } from 'viem/utils'
import * as z from 'zod/mini'
import type { Json } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import { reader } from '../wallet/evidence.js'
import type { Hex } from '../wallet/tempo/index.js'
import { address, hexOf, NOBODY } from './json.js'

const parties = {
  chainId: z.number(),
  escrow: address,
  payer: address,
  payee: address,
  token: address,
  /** A random value of the payer. */
  salt: hexOf(32),
  /** The key that signs vouchers. */
  signer: hexOf(20),
}

/** The fields that identify a channel. Its id on the chain is a hash of them. */
export const identity = z.discriminatedUnion('protocol', [
  z.object({ protocol: z.literal('v1'), ...parties }),
  z.object({
    protocol: z.literal('v2'),
    ...parties,
    operator: hexOf(20),
    /** The seen hash of the transaction that opened it. So the id is known only after that was built. */
    openHash: hexOf(32),
  }),
])
export type Identity = Readonly<z.output<typeof identity>>

/**
 * Returns the id of a channel: the hash of its identity as 32-byte words (draft-tempo-session-00, "Contract-Backed
 * Channel State" and "Channel Descriptor").
 */
export function channelIdOf(identity: Identity): Hex {
  const known = ids.get(identity)
  if (known !== undefined) return known
  const id = hashOf(identity)
  ids.set(identity, id)
  return id
}

/** A cache: an identity is used with every call, and its hash costs as much as a voucher's. */
const ids = new WeakMap<Identity, Hex>()

function hashOf(identity: Identity): Hex {
  const { payer, payee, token, salt, signer, escrow, chainId } = identity
  const chain = chainId.toString(16)
  const words =
    identity.protocol === 'v1'
      ? [payer, payee, token, salt, signer, escrow, chain]
      : [payer, payee, identity.operator, token, salt, signer, identity.openHash, escrow, chain]
  return keccak256(`0x${words.map(word).join('')}`)
}

/** Encodes a value of at most 32 bytes as a word, without `0x`. */
export function word(value: string): string {
  return (value.startsWith('0x') ? value.slice(2) : value).padStart(64, '0')
}

/** The fields that identify a channel of v2, as credentials and the reserve spell them. */
export type Descriptor = Readonly<
  Record<'payer' | 'payee' | 'operator' | 'token' | 'salt' | 'authorizedSigner' | 'expiringNonceHash', Hex>
>

/** Returns the descriptor that every credential of v2 carries; v1 has none. */
export function descriptorOf(identity: Extract<Identity, { protocol: 'v2' }>): Descriptor
export function descriptorOf(identity: Identity): Descriptor | undefined
export function descriptorOf(identity: Identity): Descriptor | undefined {
  if (identity.protocol === 'v1') return undefined
  const { payer, payee, operator, token, salt, signer, openHash } = identity
  return { payer, payee, operator, token, salt, authorizedSigner: signer, expiringNonceHash: openHash }
}

/** Reads a descriptor from a server. An absent voucher key means the payer. */
export function readDescriptor(value: Json | undefined, escrow: Hex, chainId: number): Identity | undefined {
  if (!isObject(value)) return undefined
  const { authorizedSigner: signer = null, expiringNonceHash: openHash = null } = value
  return readIdentity({ ...value, protocol: 'v2', escrow, chainId, signer, openHash })
}

/** Returns the key that must have signed a voucher. */
export function voucherKeyOf({ signer, payer }: Identity): Hex {
  return signer === NOBODY ? payer : signer
}

export const readIdentity = reader<Identity>(identity)
