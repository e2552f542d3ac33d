import type { OfferKind } from '../../protocol/index.js'
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
  readonly claimedDomain: { readonly name?: string; readonly version?: string; readonly decimals?: number }
  /** Set if the protocol binds the nonce to the challenge. */
  readonly nonce?: Hex
  /**
   * True if the nonce is bound to the whole route (reference servers of x402). The nonce is known once the payment is.
   */
  readonly routeBound?: true
  /** Set if the price is known only afterwards: the only party that may settle. */
  readonly facilitator?: Hex
  /** The time in milliseconds that the server wants for settling. */
  readonly lifeMs?: number
}
