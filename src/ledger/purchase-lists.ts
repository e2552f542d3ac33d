import type { Instant } from '../money/index.js'
import { compositeKey } from './composite-key.js'
import type { PaymentRow } from './payment-row.js'
import type { PaymentId } from './port.js'
import { BOUGHT_MS, purchasedAt } from './purchases.js'

/** The number of old lists that are deleted at once. It is more than are added, so their number falls. */
const MOST_DROPPED = 4

/** Keeps the purchases by agent and fingerprint. */
export class PurchaseLists {
  /** The newest purchase is the last of its list, and its list is the last list. */
  readonly #lists = new Map<string, { readonly id: PaymentId; readonly at: Instant }[]>()

  save(before: PaymentRow | undefined, row: PaymentRow): void {
    const at = purchasedAt(row)
    const was = before === undefined ? undefined : purchasedAt(before)
    if (was === at) return
    const name = compositeKey(row.context.agent, row.fingerprint)
    const list = this.#lists.get(name) ?? []
    // A payment that was in no list is not searched for, because the list of one purchase may be very long.
    if (was !== undefined) {
      const index = list.findLastIndex(({ id }) => id === row.id)
      if (index >= 0) list.splice(index, 1)
    }
    this.#lists.delete(name)
    if (at !== undefined) list.push({ id: row.id, at })
    if (list.length > 0) this.#lists.set(name, list)
    if (at !== undefined) this.#dropBefore(at - BOUGHT_MS)
  }

  /** Deletes lists whose purchases are too old for every rule. */
  #dropBefore(oldest: Instant): void {
    let looked = 0
    for (const [name, list] of this.#lists) {
      if ((list.at(-1)?.at ?? 0) >= oldest || looked++ === MOST_DROPPED) return
      this.#lists.delete(name)
    }
  }

  /** Iterates over the purchases after `since`, the newest first. */
  *of(agent: string, fingerprint: string, since: Instant): Iterable<PaymentId> {
    const list = this.#lists.get(compositeKey(agent, fingerprint)) ?? []
    for (let index = list.length - 1; index >= 0; index--) {
      const bought = list[index]
      if (bought === undefined || bought.at <= since) return
      yield bought.id
    }
  }
}
