import { keccak256 } from 'viem/utils'
import type { Json, JsonObject } from '../protocol/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import { isObject, NOBODY, readAddress, readHex } from './json.js'

interface Parties {
  readonly chainId: number
  readonly escrow: Hex
  readonly payer: Hex
  readonly payee: Hex
  readonly token: Hex
  /** Random; chosen by the payer. */
  readonly salt: Hex
  /** The key that signs vouchers. */
  readonly signer: Hex
}

/** The identity of a channel. Its id on the chain is a hash of this. */
export type Identity =
  | (Parties & { readonly protocol: 'v1' })
  | (Parties & {
      readonly protocol: 'v2'
      readonly operator: Hex
      /** The seen hash of the opening transaction, so the id is known only once that is built. */
      readonly openHash: Hex
    })

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

/** Returns the descriptor that every credential of v2 carries; v1 has none. */
export function descriptorOf(identity: Identity): JsonObject | undefined {
  if (identity.protocol === 'v1') return undefined
  const { payer, payee, operator, token, salt, signer, openHash } = identity
  return { payer, payee, operator, token, salt, authorizedSigner: signer, expiringNonceHash: openHash }
}

/** Reads a descriptor from a server. An absent voucher key means the payer. */
export function readDescriptor(value: Json | undefined, escrow: Hex, chainId: number): Identity | undefined {
  if (!isObject(value)) return undefined
  const [payer, payee, token] = [value['payer'], value['payee'], value['token']].map(readAddress)
  const operator = readHex(value['operator'], 20)
  const signer = readHex(value['authorizedSigner'], 20)
  const salt = readHex(value['salt'], 32)
  const openHash = readHex(value['expiringNonceHash'], 32)
  if (!payer || !payee || !token || !operator || !signer || !salt || !openHash) return undefined
  return { protocol: 'v2', chainId, escrow, payer, payee, token, salt, signer, operator, openHash }
}

/** Returns the key that must have signed a voucher. */
export function voucherKeyOf({ signer, payer }: Identity): Hex {
  return signer === NOBODY ? payer : signer
}

/** Encodes an identity for the ledger. */
export function identityJson(identity: Identity): JsonObject {
  return { ...identity }
}

export function readIdentity(value: Json | undefined): Identity | undefined {
  if (!isObject(value)) return undefined
  const { protocol, chainId } = value
  const escrow = readAddress(value['escrow'])
  if (typeof chainId !== 'number' || escrow === undefined) return undefined
  if (protocol === 'v2')
    return readDescriptor(
      { ...value, authorizedSigner: value['signer'] ?? null, expiringNonceHash: value['openHash'] ?? null },
      escrow,
      chainId,
    )
  const [payer, payee, token] = [value['payer'], value['payee'], value['token']].map(readAddress)
  const signer = readHex(value['signer'], 20)
  const salt = readHex(value['salt'], 32)
  if (protocol !== 'v1' || !payer || !payee || !token || !signer || !salt) return undefined
  return { protocol, chainId, escrow, payer, payee, token, salt, signer }
}
