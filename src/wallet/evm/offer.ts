import type { OfferKind } from '../../protocol/index.js'
import type { Hex } from '../chain/index.js'
import type { EvmWay } from './options.js'

/** An offer that asks for tokens on an EVM chain, in one form whatever protocol it came by. Addresses in lower case. */
export interface Offer {
  readonly kind: OfferKind
  readonly chainId: number
  readonly token: Hex
  /** The price; with `facilitator`, the most it can come to. */
  readonly amount: bigint
  readonly to: Hex
  /** How it can be paid, in the server's order. */
  readonly ways: readonly EvmWay[]
  /** What the server says of the token. It must agree with what is known, and is used for nothing else. */
  readonly claimedDomain: { readonly name?: string; readonly version?: string; readonly decimals?: number }
  /** The nonce, where the protocol binds it to the challenge. */
  readonly nonce?: Hex
  /** The nonce is bound to the whole route (reference servers of x402): known once the payment is. */
  readonly routeBound?: true
  /** Set on a price that is known only afterwards: who alone may settle it. */
  readonly facilitator?: Hex
  /** How long the server wants to be able to settle, in milliseconds. */
  readonly lifeMs?: number
}
