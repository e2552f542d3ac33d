import type { Amount } from '../money/index.js'
import type { Json } from '../protocol/index.js'

/**
 * The escrow behind a lane of vouchers, as the ledger keeps it for the wallet that opened it. How much was ever signed on
 * it is the value of the lane itself.
 */
export interface Channel {
  /** The lane its vouchers run on. */
  readonly lane: string
  /** Wallet, network, escrow, vendor, payee and token: there is at most one open channel for each. */
  readonly slot: string
  /** The wallet's stable id. */
  readonly wallet: string
  readonly vendor: string
  /** Where its credentials go: the URL that asked for the first of them, without a query. */
  readonly address: string
  readonly state: 'opening' | 'open' | 'closing' | 'closed'
  /** What is known to be locked up. */
  readonly deposit: Amount
  /** The ids of the payments that locked it up. */
  readonly funding: readonly string[]
  /** The wallet's own: identity on the chain, and whatever it needs to close it. Free of secrets. */
  readonly detail: Json
  /** Goes up with each change; 0: it was never stored. */
  readonly rev: number
}

/** Which channels to find; all that is given must hold. */
export type ChannelQuery = Partial<Pick<Channel, 'slot' | 'wallet' | 'vendor' | 'state'>>

/** The part of a {@link Ledger} that a wallet of channels works with. */
export interface Channels {
  /** The oldest first. */
  channels(query: ChannelQuery): Promise<readonly Channel[]>
  /**
   * Durable. One that is closed unlocks what its payments had locked up, in the same step; and one that names a payment
   * no more unlocks what that one had.
   *
   * @returns False: somebody else has changed it since it was read.
   */
  putChannel(channel: Channel): Promise<boolean>
  /** The highest total ever signed on a lane. */
  signed(lane: string): Promise<bigint>
}
