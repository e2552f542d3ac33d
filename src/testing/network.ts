import type { Verdict } from '../ledger/index.js'
import { type Amount, type Instant, UNIT_DECIMALS, type Units } from '../money/index.js'

/** What a test wallet signed: enough to decide whether a server may take it. */
export interface Signed {
  /** The name of the credential. A server reports it as the reference of the payment. */
  readonly id: string
  readonly wallet: string
  /** Of the credentials with one slot, only one can be taken. */
  readonly slot: string
  readonly price: Amount
  readonly payee: string
  /** The end of the credential. */
  readonly until: Instant
  /** The clock of the wallet. The network uses it too, so a test that moves the clock moves both. */
  readonly now: () => Instant
}

const MOST_SIGNED = 20_000

/**
 * The record of the test payments of this process. It plays the part of a blockchain: it decides which credential is
 * taken, once, and later proves it. No money is behind it.
 */
export class TestNetwork {
  readonly #signed = new Map<string, Signed>()
  /** Which credential of a slot was taken. */
  readonly #taken = new Map<string, string>()

  /** Records a signed credential. Only the newest ones are kept. */
  add(signed: Signed): void {
    this.#signed.set(signed.id, signed)
    const [oldest] = this.#signed.values()
    if (oldest === undefined || this.#signed.size <= MOST_SIGNED) return
    this.#signed.delete(oldest.id)
    this.#taken.delete(oldest.slot)
  }

  /** Why a credential cannot be taken for an offer. Undefined if it can. */
  refusal(
    id: string,
    { price, payee }: { readonly price: Amount; readonly payee: string },
  ): string | undefined {
    const signed = this.#signed.get(id)
    if (signed === undefined) return 'No test wallet signed this credential.'
    const taken = this.#taken.get(signed.slot)
    if (taken === id) return 'This payment has already been processed.'
    if (taken !== undefined) return 'Another credential took the place of this one.'
    if (signed.now() >= signed.until) return 'The credential has expired.'
    const fits =
      signed.price.value === price.value &&
      signed.price.currency.id === price.currency.id &&
      signed.payee === payee
    return fits ? undefined : 'The credential was signed for another amount or payee.'
  }

  /** Takes a credential. */
  take(id: string): void {
    const signed = this.#signed.get(id)
    if (signed !== undefined) this.#taken.set(signed.slot, id)
  }

  /** Proves what happened to a credential. */
  verdict(id: string): Verdict {
    const signed = this.#signed.get(id)
    if (signed === undefined)
      return { state: 'unknown', reason: 'the test network has no record of this credential' }
    const taken = this.#taken.get(signed.slot)
    if (taken === id) return { state: 'settled', reference: id }
    if (taken !== undefined) return { state: 'void', reason: 'another credential took its place' }
    if (signed.now() >= signed.until) return { state: 'void', reason: 'it expired unused' }
    return { state: 'pending', recheckAt: signed.until, reason: 'it can still be taken' }
  }

  /** The sum that was taken from a wallet, in units of nine decimals. */
  takenFrom(wallet: string): Units {
    let sum = 0n
    for (const id of this.#taken.values()) {
      const signed = this.#signed.get(id)
      if (signed?.wallet === wallet) sum += unitsOf(signed.price)
    }
    return sum
  }
}

/** An amount of a currency in units of nine decimals, one to one. */
export function unitsOf({ value, currency }: Amount): Units {
  const scale = currency.decimals - UNIT_DECIMALS
  return scale > 0 ? value / 10n ** BigInt(scale) : value * 10n ** BigInt(-scale)
}

/** The one network of this process: test wallets sign for it, and test servers take from it. */
export const network = new TestNetwork()
