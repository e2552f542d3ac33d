import type { Detail } from './evidence.js'
import type { LightningFailure } from './options.js'

/** The result of one attempt at an invoice in this process. */
export type TriedInvoice =
  | { readonly state: 'trying' }
  /** The preimage was seen and checked. */
  | { readonly state: 'paid'; readonly feeMsat: bigint | undefined }
  | { readonly state: 'failed'; readonly why?: LightningFailure }
  /** The node's answer proves nothing, or there was none. */
  | { readonly state: 'unclear' }

/**
 * The payment and its invoice. Another payment may have been offered the same invoice; this attempt tells it nothing.
 */
type Key = Pick<Detail, 'hash' | 'payment'>

/** The limit of stored attempts. They are small, and needed as long as an invoice is valid. */
const MOST = 10_000

/** The invoices that this process has tried, by payment hash. Each is tried once. Preimages are not stored. */
export class TriedInvoices {
  readonly #byHash = new Map<string, { readonly payment: string; readonly how: TriedInvoice }>()

  /** Returns the attempt of this payment, if this process made it. */
  get({ hash, payment }: Key): TriedInvoice | undefined {
    const found = this.#byHash.get(hash)
    return found?.payment === payment ? found.how : undefined
  }

  /** Returns false if the invoice was tried before. */
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

  /** Removes an attempt that never began: the node was not asked. */
  forget({ hash }: Key): void {
    this.#byHash.delete(hash)
  }
}
