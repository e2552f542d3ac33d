import type { Detail } from './evidence.js'
import type { LightningFailure } from './options.js'

/** How one try at an invoice stands, as this process saw it. */
export type TriedInvoice =
  | { readonly state: 'trying' }
  /** The preimage was seen and checked. */
  | { readonly state: 'paid'; readonly feeMsat?: bigint }
  | { readonly state: 'failed'; readonly why?: LightningFailure }
  /** The node said something that proves nothing, or nothing at all. */
  | { readonly state: 'unclear' }

/** What one payment tried. Another payment may have been offered the same invoice, and learns nothing from this try. */
type Key = Pick<Detail, 'hash' | 'payment'>

/** Tries are small, and are needed for as long as an invoice lives. */
const MOST = 10_000

/** Invoices that this process has tried, by payment hash: one is tried once. No preimage is kept here. */
export class TriedInvoices {
  readonly #byHash = new Map<string, { readonly payment: string; readonly how: TriedInvoice }>()

  /** The try that this payment made, if it was here. */
  get({ hash, payment }: Key): TriedInvoice | undefined {
    const found = this.#byHash.get(hash)
    return found?.payment === payment ? found.how : undefined
  }

  /** False: it was tried before. */
  begin({ hash, payment }: Key): boolean {
    if (this.#byHash.has(hash)) return false
    for (const [old, { how }] of this.#byHash) {
      if (this.#byHash.size < MOST) break
      if (how.state !== 'trying') this.#byHash.delete(old)
    }
    this.#byHash.set(hash, { payment, how: { state: 'trying' } })
    return true
  }

  end({ hash, payment }: Key, how: TriedInvoice): void {
    this.#byHash.set(hash, { payment, how })
  }

  /** It never began: nothing was asked of the node. */
  forget({ hash }: Key): void {
    this.#byHash.delete(hash)
  }
}
