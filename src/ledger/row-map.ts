import type { PaymentRow } from './payment-row.js'
import type { PaymentId, PaymentState } from './port.js'
import { dueEntryOf } from './query.js'
import { bodyText, type CounterNames, coreText, readBody, readCore, rowFrom } from './row-codec.js'
import type { StoredRow } from './tables.js'

/** The number of the newest payments that are kept as objects. Steps read these payments. */
export const MOST_OBJECTS = 5000

/** An ended payment as text. It uses much less memory and loses no data. */
interface PackedRow {
  readonly place: number
  readonly state: PaymentState
  readonly owner: string | undefined
  readonly core: string
  readonly body: string
}

/** Keeps payments by their id and by their place. Old payments that have ended are kept as text. */
export class RowMap {
  readonly #rows = new Map<PaymentId, StoredRow | PackedRow>()
  /** All payments by their place. Place 0 is empty, and so is the place of a refusal that was deleted. */
  readonly #order: (PaymentId | undefined)[] = [undefined]
  readonly #numbers = new Map<string, number>()
  readonly #keys: string[] = []
  readonly #names: CounterNames = {
    numberOf: (key) => this.#numberOf(key),
    keyOf: (n) => this.#keys[n] ?? '',
  }

  get(id: PaymentId): StoredRow | undefined {
    const kept = this.#rows.get(id)
    if (kept === undefined || 'row' in kept) return kept
    const core = readCore(kept.core, this.#names)
    return { place: kept.place, row: rowFrom(core, readBody(kept.body, core), kept.state, kept.owner) }
  }

  at(place: number): StoredRow | undefined {
    return this.get(this.#order[place] ?? '')
  }

  place(id: PaymentId): number {
    return this.#rows.get(id)?.place ?? 0
  }

  last(): number {
    return this.#order.length - 1
  }

  /** Saves a payment. Returns its place. */
  save(row: PaymentRow): number {
    const place = this.#rows.get(row.id)?.place ?? this.#order.push(row.id) - 1
    this.#rows.set(row.id, { place, row })
    this.#pack(place)
    this.#pack(place - MOST_OBJECTS)
    return place
  }

  delete(id: PaymentId): void {
    this.#order[this.place(id)] = undefined
    this.#rows.delete(id)
  }

  /** Converts the payment at this place to text, if it is old and has ended. */
  #pack(place: number): void {
    if (place < 1 || place > this.last() - MOST_OBJECTS) return
    const kept = this.#rows.get(this.#order[place] ?? '')
    if (kept === undefined || !('row' in kept) || dueEntryOf(kept.row) !== undefined) return
    const { row } = kept
    const { state, owner } = row
    const packed = { place, state, owner, core: coreText(row, this.#names), body: bodyText(row) }
    this.#rows.set(row.id, packed)
  }

  #numberOf(key: string): number {
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const n = this.#keys.push(key) - 1
    this.#numbers.set(key, n)
    return n
  }
}
