import type { PaymentId } from '../port.js'
import { numberOf, optionalText, textOf } from './codec.js'
import type { Sql } from './sql.js'

/** A payment that is in no index yet, with the values by which it is found. These values never change. */
export interface RecentPayment {
  readonly place: number
  readonly id: PaymentId
  readonly agent: string
  readonly fingerprint: string
  readonly key: string | undefined
}

/** The payments after the last one in the indexes. They are few, so they are cached. */
export class RecentPayments {
  readonly #sql: Sql
  readonly #all = new Map<PaymentId, RecentPayment>()
  /** The place of the last payment that was read or added. */
  #last = 0
  #sure = false

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** Notes that other processes may have added payments, or put some into the indexes. */
  doubt(): void {
    this.#sure = false
  }

  /** Forgets the added payments, because their transaction may have been undone. */
  forget(): void {
    this.#sure = false
    this.#all.clear()
    this.#last = 0
  }

  add(payment: RecentPayment): void {
    this.#all.set(payment.id, payment)
    this.#last = payment.place
  }

  /** Returns all of them by their ids, the oldest first. */
  after(listed: number): ReadonlyMap<PaymentId, RecentPayment> {
    if (this.#sure) return this.#all
    for (const { id, place } of this.#all.values()) if (place <= listed) this.#all.delete(id)
    const sql = 'SELECT place, id, agent, fingerprint, key FROM payments WHERE place > ? ORDER BY place'
    for (const row of this.#sql.all(sql, Math.max(this.#last, listed)))
      this.add({
        place: numberOf(row, 'place'),
        id: textOf(row, 'id'),
        agent: textOf(row, 'agent'),
        fingerprint: textOf(row, 'fingerprint'),
        key: optionalText(row, 'key'),
      })
    this.#sure = true
    return this.#all
  }
}
