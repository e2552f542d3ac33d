import type { Json, OfferKind } from '../../protocol/index.js'
import type { Hex } from '../chain/index.js'
import type { EvmWay } from './options.js'

/** An offer for tokens on an EVM chain, in one form for all protocols. Addresses are in lower case. */
export interface Offer {
  readonly kind: OfferKind
  readonly chainId: number
  readonly token: Hex
  /** The price; with `facilitator`, the maximum of the price. */
  readonly amount: bigint
  readonly to: Hex
  /** The ways to pay, in the server's order. */
  readonly ways: readonly EvmWay[]
  /** The server's description of the token. It must agree with the known one, and has no other use. */
  readonly claimedDomain: {
    readonly name?: string | undefined
    readonly version?: string | undefined
    readonly decimals?: number
  }
  /** Set if the protocol binds the nonce to the challenge. */
  readonly nonce?: Hex
  /**
   * True if the nonce is bound to the whole route (reference servers of x402). The nonce is known once the payment is.
   */
  readonly routeBound?: boolean
  /** Set if the price is known only afterwards: the only party that may settle. */
  readonly facilitator?: Hex | undefined
  /** The time in milliseconds that the server wants for settling. */
  readonly lifeMs?: number
}

/** Reads the number of a chain in the namespace `eip155` (CAIP-2). */
export function readChain(network: string | undefined): number | undefined {
  const [, digits] = /^eip155:([1-9][0-9]{0,15})$/.exec(network ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}

export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Servers in other languages write null for absent fields. */
export function isAbsent(value: Json | undefined): value is null | undefined {
  return value === undefined || value === null
}
