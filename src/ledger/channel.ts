import type { Amount } from '../money/index.js'
import type { Json } from '../protocol/index.js'

/**
 * The escrow behind a lane of vouchers, as the ledger stores it for the wallet that opened it. The value of the lane is
 * the highest total that was ever signed on it.
 */
export interface Channel {
  /** The lane of its vouchers. */
  readonly lane: string
  /** Combines wallet, network, escrow, vendor, payee and token. Each slot has at most one open channel. */
  readonly slot: string
  /** The wallet's stable id. */
  readonly wallet: string
  readonly vendor: string
  /** The URL that its credentials are sent to. This is the URL of the first demand, without its query. */
  readonly address: string
  readonly state: 'opening' | 'open' | 'closing' | 'closed'
  /** The deposit that is known to be locked up. */
  readonly deposit: Amount
  /** The ids of the payments that locked up the deposit. */
  readonly funding: readonly string[]
  /**
   * Data of the wallet: the channel's identity on the chain, and everything that the wallet needs to close it. It
   * contains no secrets.
   */
  readonly detail: Json
  /** Increases with each change. 0 means that the channel was never stored. */
  readonly rev: number
}

/** Selects channels. A channel must match all given fields. */
export type ChannelQuery = Partial<Pick<Channel, 'slot' | 'wallet' | 'vendor' | 'state'>>

/** The part of a {@link Ledger} that wallets with channels use. */
export interface Channels {
  /** Returns the matching channels, the oldest first. */
  channels(query: ChannelQuery): Promise<readonly Channel[]>
  /**
   * Stores a channel durably. If the channel is closed, the same step unlocks the deposits of its payments. If the
   * channel does not name a payment any more, the same step unlocks the deposit of that payment.
   *
   * @returns False if another writer changed the channel after it was read.
   */
  putChannel(channel: Channel): Promise<boolean>
  /** Returns the highest total that was ever signed on a lane. */
  signed(lane: string): Promise<bigint>
}
