import type { PaymentId } from '../../ledger/index.js'

/**
 * Who of this process works on the payments that an earlier one left. The ledger keeps other processes apart; here a call
 * that goes on with a payment and a recovery that would end it never meet.
 */
export class PaymentLocks {
  readonly #calls = new Map<PaymentId, number>()
  readonly #recoveries = new Map<PaymentId, Promise<unknown>>()

  /** A call goes on with it: from now on no recovery begins. */
  async call<T>(id: PaymentId, work: () => Promise<T>): Promise<T> {
    this.#calls.set(id, (this.#calls.get(id) ?? 0) + 1)
    try {
      return await work()
    } finally {
      const others = (this.#calls.get(id) ?? 1) - 1
      if (others === 0) this.#calls.delete(id)
      else this.#calls.set(id, others)
    }
  }

  /** Resolves when no recovery is at it. */
  async free(id: PaymentId): Promise<void> {
    await this.#recoveries.get(id)?.catch(() => undefined)
  }

  /** @returns Undefined if a call goes on with it: nothing was done. */
  async recovery<T>(id: PaymentId, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#calls.has(id)) return undefined
    const working = work()
    this.#recoveries.set(id, working)
    try {
      return await working
    } finally {
      if (this.#recoveries.get(id) === working) this.#recoveries.delete(id)
    }
  }
}
