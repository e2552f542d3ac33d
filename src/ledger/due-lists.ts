import { compositeKey } from './composite-key.js'
import type { PaymentRow } from './payment-row.js'
import type { PaymentId } from './port.js'
import { type DueEntry, type DueGroup, type DuePlace, dueEntryOf, isBeyond } from './query.js'
import type { DuePage } from './tables.js'

/** A payment in the list of its group. */
interface Entry extends DuePlace {
  readonly id: PaymentId
}

/**
 * Keeps the payments that recovery may have to process in memory: one list per group, in the order of {@link isBeyond}.
 */
export class DueLists {
  readonly #lists = new Map<string, Entry[]>()
  readonly #turns = new Map<PaymentId, DueEntry>()

  save(row: PaymentRow, place: number): void {
    const before = this.#turns.get(row.id)
    const after = dueEntryOf(row)
    if (before?.due === after?.due && before?.state === after?.state && before?.wallet === after?.wallet)
      return
    if (before !== undefined) this.#remove(before, { id: row.id, due: before.due, place })
    if (after === undefined) this.#turns.delete(row.id)
    else this.#insert(after, { id: row.id, due: after.due, place })
  }

  #insert(turn: DueEntry, entry: Entry): void {
    this.#turns.set(entry.id, turn)
    const list = this.#listOf(turn)
    list.splice(positionIn(list, entry), 0, entry)
  }

  #remove(turn: DueEntry, entry: Entry): void {
    const list = this.#listOf(turn)
    list.splice(positionIn(list, entry), 1)
  }

  #listOf({ state, wallet }: DueGroup): Entry[] {
    const name = compositeKey(state, wallet)
    const known = this.#lists.get(name)
    if (known !== undefined) return known
    const made: Entry[] = []
    this.#lists.set(name, made)
    return made
  }

  /** Iterates over a part of a group in the page's order. The caller decides where to stop. */
  *of(group: DueGroup, { to, order, after }: DuePage): Iterable<Entry> {
    const list = this.#listOf(group)
    const oldest = order === 'oldest'
    let at = oldest ? 0 : positionIn(list, { due: to, place: Number.POSITIVE_INFINITY }) - 1
    if (after !== undefined) at = positionIn(list, after) - (oldest ? 0 : 1)
    for (; at >= 0 && at < list.length; at += oldest ? 1 : -1) {
      const entry = list[at]
      if (entry === undefined || entry.due > to) return
      if (after === undefined || isBeyond(after, entry, order)) yield entry
    }
  }

  *held(): Iterable<PaymentId> {
    for (const [id, { state }] of this.#turns) if (state === 'held') yield id
  }
}

/** Returns the number of entries before this entry. */
function positionIn(list: readonly Entry[], entry: DuePlace): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    const known = list[middle]
    if (known !== undefined && isBeyond(known, entry, 'oldest')) low = middle + 1
    else high = middle
  }
  return low
}
