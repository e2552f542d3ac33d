import { type Amount, amount } from '../money/index.js'

/** A channel on the test network: a deposit, and the totals that its payer signed. */
export interface TestChannel {
  readonly id: string
  readonly wallet: string
  readonly payee: string
  deposit: Amount
  /** The highest total that the payer signed. */
  signed: bigint
  /** The highest total that the payee accepted. It can take that much. */
  accepted: bigint
  /** The total that the payee took when the channel was closed. */
  captured: bigint | undefined
}

/** A voucher as a request carries it. */
export interface TestVoucher {
  readonly channelId: string
  readonly total: bigint
}

/** The channels of this process. No money is behind them. */
export class TestChannels {
  readonly #channels = new Map<string, TestChannel>()

  open(channel: Pick<TestChannel, 'id' | 'wallet' | 'payee' | 'deposit'>): void {
    this.#channels.set(channel.id, { ...channel, signed: 0n, accepted: 0n, captured: undefined })
  }

  get(id: string): TestChannel | undefined {
    return this.#channels.get(id)
  }

  raise(id: string, by: bigint): void {
    const channel = this.#channels.get(id)
    if (channel === undefined) return
    channel.deposit = amount(channel.deposit.value + by, channel.deposit.currency)
  }

  sign({ channelId, total }: TestVoucher): void {
    const channel = this.#channels.get(channelId)
    if (channel !== undefined && total > channel.signed) channel.signed = total
  }

  /** Why a voucher does not pay one more price. Undefined if it does. */
  refusal(
    { channelId, total }: TestVoucher,
    { price, payee }: { readonly price: Amount; readonly payee: string },
  ): 'channel' | 'used' | 'signature' | undefined {
    const channel = this.#channels.get(channelId)
    if (channel === undefined || channel.captured !== undefined || channel.payee !== payee) return 'channel'
    if (total > channel.signed || total > channel.deposit.value) return 'signature'
    return total < channel.accepted + price.value ? 'used' : undefined
  }

  accept({ channelId, total }: TestVoucher): void {
    const channel = this.#channels.get(channelId)
    if (channel !== undefined) channel.accepted = total
  }

  /** Closes a channel: the payee takes what it accepted. */
  close(id: string): void {
    const channel = this.#channels.get(id)
    if (channel !== undefined) channel.captured ??= channel.accepted
  }

  /** The sums that are locked up or were taken from a wallet. */
  lockedBy(wallet: string): readonly Amount[] {
    return [...this.#channels.values()]
      .filter((channel) => channel.wallet === wallet)
      .map(({ captured, deposit }) => amount(captured ?? deposit.value, deposit.currency))
  }
}

/** The channels that test wallets and test servers share. */
export const channels = new TestChannels()
