import type { Instant } from '../../money/index.js'
import { own } from '../../util/objects.js'
import { decode, encode } from '../json.js'
import { damaged } from '../ledger-error.js'
import type { PaymentRow } from '../payment-row.js'
import { isLive } from '../payment-view.js'
import type { PaymentId, PaymentQuery, PaymentState } from '../port.js'
import { purchasedAt } from '../purchases.js'
import { type DueGroup, dueEntryOf, isOver, matches, standingOf } from '../query.js'
import type { Fill } from '../shapes.js'
import type { DuePage, DueRow, FoundPage, LedgerTables, OldRefusals, StoredRow } from '../tables.js'
import { CounterTables } from './counters.js'
import { has, isText } from './facts.js'
import { endOf, keyOf, lastNumber, prefixOf, rangeOf } from './keys.js'
import type { StoreEntry, StoreRange } from './port.js'

/** How many payments one search checks before the event loop turns. */
const MOST_LOOKED_AT = 200
/** How many payments a new counter counts at once. */
const MOST_COUNTED = 100
/** The states whose payments are in an index: payments that have not ended, and refusals. */
const INDEXED: ReadonlySet<PaymentState> = new Set(['held', 'committed', 'denied'])
/** How many entries of an index are read at a time. */
const PAGE = 100

/** Payments and their indexes, as keys and values. */
export class KeyValueTables extends CounterTables implements LedgerTables {
  payment(id: PaymentId): PaymentRow | undefined {
    return this.#stored(id)?.row
  }

  place(id: PaymentId): number {
    return Number(this.entries.get(keyOf('id', id)) ?? 0)
  }

  #stored(id: PaymentId): StoredRow | undefined {
    const place = this.place(id)
    return place === 0 ? undefined : this.#at([place])[0]
  }

  /** Returns the payments at these places, read together. */
  #at(places: readonly number[]): readonly StoredRow[] {
    const keys = places.map((place) => keyOf('payment', place))
    this.entries.want(keys.map((key) => ({ key })))
    return keys.flatMap((key, index) => {
      const text = this.entries.get(key)
      return text === undefined ? [] : [{ place: places[index] ?? 0, row: rowOf(text) }]
    })
  }

  #rowsAt(index: readonly StoreEntry[]): readonly PaymentRow[] {
    return this.#at(index.map(({ key }) => lastNumber(key))).map(({ row }) => row)
  }

  save(row: PaymentRow): void {
    const before = this.#stored(row.id)
    const place = before?.place ?? 1 + this.last()
    if (before === undefined) this.entries.set(keyOf('id', row.id), `${place}`)
    this.entries.set(keyOf('payment', place), encode(row))
    const is = indexesOf(row, place)
    const was = before === undefined ? new Map<string, string>() : indexesOf(before.row, place)
    for (const key of was.keys()) if (!is.has(key)) this.entries.set(key, undefined)
    for (const [key, value] of is) if (was.get(key) !== value) this.entries.set(key, value)
  }

  restamp(row: PaymentRow): void {
    this.save(row)
  }

  byKey(agent: string, key: string, except: PaymentId): PaymentRow | undefined {
    const newest = this.entries.range(rangeOf(prefixOf('key', agent, key), 2, 'descending'))
    const [found] = newest.filter(({ value }) => value !== except)
    return found === undefined ? undefined : this.#rowsAt([found])[0]
  }

  twins(agent: string, fingerprint: string, since: Instant): readonly PaymentRow[] {
    const from = keyOf('standing', agent, fingerprint, since + 1)
    const found = this.rest({ ...rangeOf(prefixOf('standing', agent, fingerprint), PAGE), from })
    const byPlace = [...found].sort((a, b) => lastNumber(a.key) - lastNumber(b.key))
    return this.#rowsAt(byPlace)
  }

  refusals(agent: string, fingerprint: string, since: Instant, limit: number): readonly PaymentRow[] {
    const all = rangeOf(prefixOf('refusal', agent, fingerprint), limit, 'descending')
    return this.#rowsAt(this.entries.range({ ...all, from: keyOf('refusal', agent, fingerprint, since) }))
  }

  dropRefusals({ before, upTo, limit }: OldRefusals): void {
    const last = this.last()
    const old = this.entries.range(rangeOf(prefixOf('refused'), limit)).filter(({ key, value }) => {
      const place = lastNumber(key)
      return place !== last && (Number(value) < before || place <= upTo)
    })
    for (const { place, row } of this.#at(old.map(({ key }) => lastNumber(key)))) {
      for (const key of indexesOf(row, place).keys()) this.entries.set(key, undefined)
      this.entries.set(keyOf('id', row.id), undefined)
      this.entries.set(keyOf('payment', place), undefined)
    }
  }

  *purchases(agent: string, fingerprint: string, since: Instant): Iterable<PaymentRow> {
    const from = keyOf('purchase', agent, fingerprint, since + 1)
    const range = { ...rangeOf(prefixOf('purchase', agent, fingerprint), 4, 'descending'), from }
    for (const entry of this.rest(range)) yield* this.#rowsAt([entry])
  }

  listsPurchases(): boolean {
    return true
  }

  beginListing(): boolean {
    return true
  }

  listPurchases(): boolean {
    return true
  }

  holdsOutsideBuckets(): readonly PaymentRow[] {
    return []
  }

  orphans(now: Instant, limit: number): readonly PaymentRow[] {
    const found: PaymentRow[] = []
    const range = rangeOf(prefixOf('held'), PAGE)
    for (let { from } = range; ; ) {
      const page = this.entries.range({ ...range, from })
      this.entries.want(page.map(({ value }) => ({ key: keyOf('owner', value) })))
      const orphans = page.filter(({ value }) => (this.owner(value) ?? 0) <= now)
      found.push(...this.#rowsAt(orphans.slice(0, limit - found.length)))
      const last = page.at(-1)
      if (found.length >= limit || page.length < PAGE || last === undefined) return found
      from = `${last.key} `
    }
  }

  due({ state, wallet }: DueGroup, { to, order, after, limit }: DuePage, now: Instant): readonly DueRow[] {
    const prefix = prefixOf('due', state, wallet)
    const end = to >= Number.MAX_SAFE_INTEGER ? endOf(prefix) : keyOf('due', state, wallet, to + 1)
    const beyond = after === undefined ? undefined : keyOf('due', state, wallet, after.due, after.place)
    const ascending = order === 'oldest'
    let range: StoreRange = {
      from: ascending && beyond !== undefined ? `${beyond} ` : prefix,
      to: !ascending && beyond !== undefined && beyond < end ? beyond : end,
      order: ascending ? 'ascending' : 'descending',
      limit,
    }
    const found: DueRow[] = []
    for (;;) {
      const page = this.entries.range(range)
      const rows = this.#at(page.map(({ key }) => lastNumber(key)))
      const owners = rows.flatMap(({ row }) => (row.owner === undefined ? [] : [keyOf('owner', row.owner)]))
      this.entries.want(owners.map((key) => ({ key })))
      for (const { place, row } of rows)
        if (found.length < limit && !isLive(this, row, now))
          found.push({ due: dueEntryOf(row)?.due ?? 0, place, row })
      const last = page.at(-1)
      if (found.length >= limit || page.length < limit || last === undefined) return found
      range = ascending ? { ...range, from: `${last.key} ` } : { ...range, to: last.key }
    }
  }

  find(query: PaymentQuery, after: number | undefined, limit: number): FoundPage {
    if (query.id !== undefined) {
      const stored = this.#stored(query.id)
      return own({
        rows: stored !== undefined && after === undefined && matches(stored.row, query) ? [stored] : [],
      })
    }
    if (query.states?.every((state) => INDEXED.has(state)) === true)
      return this.#findByState(query, query.states, after, limit)
    const oldest = query.order === 'oldest'
    const all = rangeOf(prefixOf('payment'), MOST_LOOKED_AT, oldest ? 'ascending' : 'descending')
    const from = oldest && after !== undefined ? keyOf('payment', after + 1) : all.from
    const to = !oldest && after !== undefined ? keyOf('payment', after) : all.to
    const looked = this.entries.range({ ...all, from, to })
    const rows: StoredRow[] = []
    for (const [index, { key, value }] of looked.entries()) {
      const [place, row] = [lastNumber(key), rowOf(value)]
      // Places are in the order in which the payments were made.
      const over = oldest
        ? row.createdAt >= (query.to ?? Number.POSITIVE_INFINITY)
        : row.createdAt < (query.from ?? 0)
      if (over) return own({ rows })
      if (matches(row, query)) rows.push({ place, row })
      if (rows.length >= limit && index < looked.length - 1) return own({ rows, next: place })
    }
    const last = looked.at(-1)
    return own({
      rows,
      next: last === undefined || looked.length < MOST_LOOKED_AT ? undefined : lastNumber(last.key),
    })
  }

  /** Finds payments by states that have an index, without a check of all other payments. */
  #findByState(
    query: PaymentQuery,
    states: readonly PaymentState[],
    after: number | undefined,
    limit: number,
  ): FoundPage {
    const oldest = query.order === 'oldest'
    const open = [
      ...(states.includes('held') ? this.all(prefixOf('held')) : []),
      ...(states.includes('committed') ? this.all(prefixOf('due', 'committed')) : []),
    ]
    const refused = rangeOf(prefixOf('refused'), limit, oldest ? 'ascending' : 'descending')
    const from = oldest && after !== undefined ? keyOf('refused', after + 1) : refused.from
    const to = !oldest && after !== undefined ? keyOf('refused', after) : refused.to
    const denied = states.includes('denied') ? this.entries.range({ ...refused, from, to }) : []
    const places = [...open, ...denied]
      .map(({ key }) => lastNumber(key))
      .filter((place) => after === undefined || (oldest ? place > after : place < after))
      .sort((a, b) => (oldest ? a - b : b - a))
      .slice(0, limit)
    const rows = this.#at(places).filter(({ row }) => matches(row, query))
    return own({ rows, next: places.length < limit ? undefined : places.at(-1) })
  }

  candidates({ from, until }: Pick<Fill, 'from' | 'until'>, after: number): FoundPage {
    const range: StoreRange = {
      from: keyOf('payment', after + 1),
      to: keyOf('payment', until + 1),
      order: 'ascending',
      limit: MOST_COUNTED,
    }
    const looked = this.entries.range(range)
    const stored = looked.map(({ key, value }): StoredRow => ({ place: lastNumber(key), row: rowOf(value) }))
    const rows = stored.filter(
      ({ row }) => row.state !== 'denied' && row.charges.some(({ at }) => at >= from),
    )
    const last = stored.at(-1)?.place
    return own({ rows, next: looked.length < MOST_COUNTED || last === until ? undefined : last })
  }
}

/** Returns the keys by which a payment is found. Each key ends with the payment's place. */
function indexesOf(row: PaymentRow, place: number): ReadonlyMap<string, string> {
  const { id, state, key, fingerprint, createdAt, owner } = row
  const { agent } = row.context
  const keys = new Map<string, string>()
  if (key !== undefined && !isOver(row)) keys.set(keyOf('key', agent, key, place), id)
  const standing = standingOf(row)
  if (standing !== undefined) keys.set(keyOf('standing', agent, fingerprint, standing, place), '1')
  const purchased = purchasedAt(row)
  if (purchased !== undefined) keys.set(keyOf('purchase', agent, fingerprint, purchased, place), '1')
  const due = dueEntryOf(row)
  if (due !== undefined) keys.set(keyOf('due', due.state, due.wallet, due.due, place), '1')
  if (state === 'held') keys.set(keyOf('held', place), owner ?? '')
  if (state !== 'denied') return keys
  keys.set(keyOf('refusal', agent, fingerprint, createdAt, place), '1')
  return keys.set(keyOf('refused', place), `${createdAt}`)
}

function rowOf(text: string): PaymentRow {
  const row = decode(text)
  if (!isRow(row)) throw damaged()
  return row
}

function isRow(value: unknown): value is PaymentRow {
  return (
    has(value, 'id', isText) &&
    has(value, 'state', isText) &&
    has(value, 'fingerprint', isText) &&
    has(value, 'attempts', Array.isArray) &&
    has(value, 'receipts', Array.isArray) &&
    has(value, 'charges', Array.isArray) &&
    has(value, 'lanes', Array.isArray) &&
    has(value, 'createdAt', (at) => typeof at === 'number') &&
    has(value, 'burnt', (burnt) => typeof burnt === 'bigint')
  )
}
