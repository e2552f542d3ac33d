import type { Instant } from '../money/index.js'
import { boughtAt } from './bought.js'
import { nameOf } from './names.js'
import type { PaymentId } from './port.js'
import type { Row } from './row.js'

/** What was bought, by agent and fingerprint. */
export class BoughtLists {
  /** The newest last. */
  readonly #lists = new Map<string, { readonly id: PaymentId; readonly at: Instant }[]>()

  save(before: Row | undefined, row: Row): void {
    const at = boughtAt(row)
    if (before !== undefined && boughtAt(before) === at) return
    const name = nameOf(row.context.agent, row.fingerprint)
    const list = this.#lists.get(name) ?? []
    const index = list.findLastIndex(({ id }) => id === row.id)
    if (index >= 0) list.splice(index, 1)
    if (at !== undefined) list.push({ id: row.id, at })
    if (list.length > 0) this.#lists.set(name, list)
    else this.#lists.delete(name)
  }

  /** Later than `since`, the newest first. */
  *of(agent: string, fingerprint: string, since: Instant): Iterable<PaymentId> {
    const list = this.#lists.get(nameOf(agent, fingerprint)) ?? []
    for (let index = list.length - 1; index >= 0; index--) {
      const bought = list[index]
      if (bought === undefined || bought.at <= since) return
      yield bought.id
    }
  }
}
