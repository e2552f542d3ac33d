import type { Instant } from '../money/index.js'
import type { CounterClaim, Dimension } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { Channel, ChannelQuery } from './channel.js'
import { NO_RECORD } from './clock-jumps.js'
import { compositeKey } from './composite-key.js'
import { type Counter, type Counts, counterOf } from './counts.js'
import { DueLists } from './due-lists.js'
import { FactMaps } from './fact-maps.js'
import { sameFamily } from './family.js'
import { setMembership } from './map-of-sets.js'
import type { PaymentRow } from './payment-row.js'
import { isLive } from './payment-view.js'
import type { PaymentId, PaymentQuery } from './port.js'
import { PurchaseLists } from './purchase-lists.js'
import { type DueGroup, isChannel, isOver, isStanding, matches, standingOf } from './query.js'
import { RefusalIndex } from './refusal-index.js'
import { RowMap } from './row-map.js'
import type { Fill, KnownShape } from './shapes.js'
import type { DuePage, DueRow, FoundPage, LedgerTables, Meta, OldRefusals, StoredRow } from './tables.js'

/** The number of payments that one search checks before the event loop runs. */
const MOST_LOOKED_AT = 500
/** The number of payments that a new counter counts at once. */
const MOST_COUNTED = 100

/** How long the ledger keeps buckets that no window reaches. */
const SPARED_MS = 3_600_000
const MOST_PRUNED = 3

/** Keeps rows in maps. */
export class MemoryTables extends FactMaps implements LedgerTables {
  #meta: Meta
  readonly #rows = new RowMap()
  /** Payments that block the same key. */
  readonly #byKey = new Map<string, Set<PaymentId>>()
  /** Payments that may block the same request. */
  readonly #twins = new Map<string, Set<PaymentId>>()
  readonly #refusals = new RefusalIndex()
  readonly #bought = new PurchaseLists()
  readonly #due = new DueLists()
  readonly #counters = new Map<string, Counter>()
  #shapes: KnownShape[] = []
  readonly #buckets = new Map<string, Map<Instant, Counts>>()
  /** The start of each counter's window when it was last read. */
  readonly #windows = new Map<string, Instant>()
  readonly #traits = new Set<string>()
  readonly #owners = new Map<string, Instant>()
  readonly #lanes = new Map<string, { readonly value: bigint; readonly payment?: PaymentId }>()
  readonly #channels = new Map<string, Channel>()
  readonly #versions = new Map<string, number>()

  constructor(id: string) {
    super()
    this.#meta = own({ id, high: 0, clock: NO_RECORD, filled: 0, shapes: 0, gaps: [] })
  }

  meta(): Meta {
    return this.#meta
  }

  setMeta(given: Parameters<LedgerTables['setMeta']>[0]): void {
    const { id, high, clock, filled, shapes, gaps } = this.#meta
    const change = own(given)
    const frozen = Object.hasOwn(change, 'frozen') ? change.frozen : this.#meta.frozen
    // The time is written with every step, so this makes no unnecessary copies.
    this.#meta = own({
      id,
      high: change.high ?? high,
      clock: change.clock ?? clock,
      filled: change.filled ?? filled,
      shapes: change.shapes ?? shapes,
      gaps: change.gaps ?? gaps,
      ...(frozen === undefined ? {} : { frozen }),
    })
  }

  payment(id: PaymentId): PaymentRow | undefined {
    return this.#rows.get(id)?.row
  }

  save(row: PaymentRow): void {
    this.#bought.save(this.payment(row.id), row)
    const place = this.#rows.save(row)
    if (row.key !== undefined)
      setMembership(this.#byKey, compositeKey(row.context.agent, row.key), row.id, !isOver(row))
    const twins = compositeKey(row.context.agent, row.fingerprint)
    setMembership(this.#twins, twins, row.id, standingOf(row) !== undefined)
    this.#due.save(row, place)
    if (row.state === 'denied') this.#refusals.add(row)
  }

  refusals(agent: string, fingerprint: string, since: Instant, limit: number): readonly PaymentRow[] {
    const ids = this.#refusals.of(agent, fingerprint).slice(0, limit)
    const rows = ids.flatMap((id) => this.payment(id) ?? [])
    return rows.filter(({ createdAt }) => createdAt >= since)
  }

  dropRefusals({ before, upTo, limit }: OldRefusals): void {
    let dropped = 0
    for (const id of this.#refusals.oldestFirst()) {
      const { place, row } = this.#rows.get(id) ?? {}
      if (place === undefined || row === undefined || place === this.last() || dropped === limit) return
      if (row.createdAt >= before && place > upTo) return
      this.#refusals.drop(row)
      this.#rows.delete(id)
      dropped++
    }
  }

  byKey(agent: string, key: string, except: PaymentId): PaymentRow | undefined {
    const placed = [...(this.#byKey.get(compositeKey(agent, key)) ?? [])].flatMap(
      (id) => this.#rows.get(id) ?? [],
    )
    const newest = placed.sort((a, b) => a.place - b.place).findLast(({ row }) => row.id !== except)
    return newest?.row
  }

  twins(agent: string, fingerprint: string, since: Instant): readonly PaymentRow[] {
    const placed = [...(this.#twins.get(compositeKey(agent, fingerprint)) ?? [])].flatMap(
      (id) => this.#rows.get(id) ?? [],
    )
    const standing = placed.filter(({ row }) => isStanding(row, since))
    return standing.sort((a, b) => a.place - b.place).map(({ row }) => row)
  }

  *purchases(agent: string, fingerprint: string, since: Instant): Iterable<PaymentRow> {
    for (const id of this.#bought.of(agent, fingerprint, since)) {
      const row = this.payment(id)
      if (row !== undefined) yield row
    }
  }

  readonly listsPurchases = (): boolean => true
  readonly beginListing = (): boolean => true
  readonly listPurchases = (): boolean => true

  place(id: PaymentId): number {
    return this.#rows.place(id)
  }

  last(): number {
    return this.#rows.last()
  }

  orphans(now: Instant, limit: number): readonly PaymentRow[] {
    const found: PaymentRow[] = []
    for (const id of this.#due.held()) {
      const row = this.payment(id)
      if (row !== undefined && !isLive(this, row, now)) found.push(row)
      if (found.length >= limit) break
    }
    return found
  }

  find(query: PaymentQuery, after: number | undefined, limit: number): FoundPage {
    const step = query.order === 'oldest' ? 1 : -1
    const rows: StoredRow[] = []
    let at = after === undefined ? (step > 0 ? 1 : this.last()) : after + step
    for (let looked = 0; looked < MOST_LOOKED_AT && rows.length < limit; looked++, at += step) {
      if (at < 1 || at > this.last()) return own({ rows })
      const placed = this.#rows.at(at)
      if (placed !== undefined && matches(placed.row, query)) rows.push(placed)
    }
    return own({ rows, next: at - step })
  }

  due(group: DueGroup, page: DuePage, now: Instant): readonly DueRow[] {
    const found: DueRow[] = []
    for (const { id, due, place } of this.#due.of(group, page)) {
      const row = this.#rows.get(id)?.row
      if (row !== undefined && !isLive(this, row, now)) found.push({ due, place, row })
      if (found.length >= page.limit) break
    }
    return found
  }

  candidates({ from, until }: Pick<Fill, 'from' | 'until'>, after: number): FoundPage {
    const end = Math.min(until, after + MOST_COUNTED)
    const rows: StoredRow[] = []
    for (let place = after + 1; place <= end; place++) {
      const placed = this.#rows.at(place)
      if (placed !== undefined) rows.push(placed)
    }
    const counted = rows.filter(({ row }) => row.charges.some(({ at }) => at >= from))
    return own({ rows: counted, next: end < until ? end : undefined })
  }

  family(claim: CounterClaim, dimension: Dimension): readonly Counter[] {
    return [...this.#counters].flatMap(([key, counter]) =>
      sameFamily(counter, claim, dimension) && this.#touched(key, claim.from) ? [counter] : [],
    )
  }

  counters(): readonly Counter[] {
    return [...this.#counters.values()]
  }

  #touched(key: string, from: Instant): boolean {
    return [...(this.#buckets.get(key)?.keys() ?? [])].some((at) => at >= from)
  }

  countsSince(key: string, from: Instant): Counts {
    this.#windows.set(key, from)
    let [counted, held] = [0n, 0n]
    for (const [at, bucket] of this.#buckets.get(key) ?? []) {
      if (at < from) continue
      counted += bucket.counted
      held += bucket.held
    }
    return { counted, held }
  }

  addCounts(key: string, at: Instant, { counted, held }: Counts): void {
    let buckets = this.#buckets.get(key)
    if (buckets === undefined) {
      const counter = counterOf(key)
      if (counter !== undefined) this.#counters.set(key, counter)
      buckets = new Map()
      this.#buckets.set(key, buckets)
    }
    const before = buckets.get(at)
    if (before === undefined) this.#dropOldBuckets(key, buckets)
    buckets.set(at, { counted: (before?.counted ?? 0n) + counted, held: (before?.held ?? 0n) + held })
  }

  /** Deletes a few buckets that no window reaches. It deletes more than are added, so their number falls. */
  #dropOldBuckets(key: string, buckets: Map<Instant, Counts>): void {
    const before = (this.#windows.get(key) ?? 0) - SPARED_MS
    let looked = 0
    for (const at of buckets.keys()) {
      if (at >= before || looked++ === MOST_PRUNED) return
      buckets.delete(at)
    }
  }

  isHoldInBuckets(): boolean {
    return true
  }

  holdsOutsideBuckets(): readonly PaymentRow[] {
    return []
  }

  shapes(): readonly KnownShape[] {
    return this.#shapes
  }

  addShape(shape: KnownShape): void {
    this.#shapes.push(shape)
    this.setMeta({ shapes: this.#shapes.length })
  }

  setThrough(number: number, through: number): void {
    this.#shapes = this.#shapes.map((shape) =>
      shape.fill?.number === number ? own({ ...shape, fill: { ...shape.fill, through } }) : shape,
    )
  }

  hasTrait(trait: string): boolean {
    return this.#traits.has(trait)
  }

  addTrait(trait: string): void {
    this.#traits.add(trait)
  }

  owner(owner: string): Instant | undefined {
    return this.#owners.get(owner)
  }

  setOwner(owner: string, until: Instant | undefined): void {
    if (until === undefined) this.#owners.delete(owner)
    else this.#owners.set(owner, until)
  }

  lane(lane: string): { readonly value: bigint; readonly payment?: PaymentId } | undefined {
    return this.#lanes.get(lane)
  }

  setLane(lane: string, value: bigint, payment: PaymentId | undefined): void {
    this.#lanes.set(lane, payment === undefined ? { value } : { value, payment })
  }

  channels(query: ChannelQuery): readonly Channel[] {
    return [...this.#channels.values()].filter((channel) => isChannel(channel, query))
  }

  setChannel(channel: Channel): void {
    this.#channels.set(channel.lane, channel)
  }

  version(names: readonly string[]): number {
    return names.reduce((sum, of) => sum + (this.#versions.get(of) ?? 0), 0)
  }

  bump(of: string): void {
    this.#versions.set(of, (this.#versions.get(of) ?? 0) + 1)
  }

  restamp(row: PaymentRow): void {
    this.save(row)
  }

  setFill(fill: Fill): void {
    this.#shapes = this.#shapes.map((shape) =>
      shape.fill?.number === fill.number ? { ...shape, fill } : shape,
    )
  }

  clearCounts(): void {
    this.#buckets.clear()
    // The time may have gone back to before the windows that were read.
    this.#windows.clear()
  }

  moveEnds(move: (until: Instant) => Instant): void {
    for (const [owner, until] of this.#owners) this.#owners.set(owner, move(until))
    this.moveFacts(move)
  }
}
