import type { Instant, Units } from '../money/index.js'
import type { CounterClaim, Dimension, Grant, Terms } from '../policy/index.js'
import type { Channel, ChannelQuery } from './channel.js'
import type { ClockRecord } from './clock-jumps.js'
import type { Counter, Counts } from './counts.js'
import type { Gap } from './gaps.js'
import type { PaymentRow } from './payment-row.js'
import type { Pin } from './pins.js'
import type { PaymentId, PaymentQuery } from './port.js'
import type { DayOfPrices } from './prices.js'
import type { DueGroup, DueOrder, DuePlace } from './query.js'
import type { Fill, KnownShape } from './shapes.js'

/** The few values that every step reads. */
export interface Meta {
  /** The ledger's id. */
  readonly id: string
  /** The highest time seen. */
  readonly high: Instant
  /** What is remembered of the clocks. */
  readonly clock: ClockRecord
  readonly frozen?: string
  /** How many shapes were filled from stored payments. */
  readonly filled: number
  /** How many shapes of counters there are. */
  readonly shapes: number
  /** Times whose payments the ledger may have forgotten, the oldest first. */
  readonly gaps: readonly Gap[]
}

/** A stored payment and its place in the order they were made. */
export interface StoredRow {
  readonly place: number
  readonly row: PaymentRow
}

/** What a search found so far. */
export interface FoundPage {
  readonly rows: readonly StoredRow[]
  /** Where to go on; undefined at the end. */
  readonly next?: number | undefined
}

/** A payment in its group. */
export interface DueRow extends StoredRow, DuePlace {}

/** A part of a group. */
export interface DuePage {
  readonly to: Instant
  readonly order: DueOrder
  readonly after?: DuePlace | undefined
  readonly limit: number
}

/** Refusals that may be dropped. */
export interface OldRefusals {
  readonly before: Instant
  readonly upTo: number
  readonly limit: number
}

/** What a price is remembered under: the operation of a vendor, and the currency id of the unit that the price is in. */
export interface PriceKey {
  readonly vendor: string
  readonly operation: string
  readonly unit: string
}

/** What a person denied: these terms, and all that are no better, for one operation. */
export interface Denial {
  readonly operation: string
  readonly terms: Terms
  readonly until: Instant
}

/**
 * Rows, as a store keeps them. Synchronous, and only ever used inside one transaction: it loads and it writes, and it
 * decides nothing.
 */
export interface LedgerTables {
  meta(): Meta
  setMeta(change: Partial<Omit<Meta, 'id' | 'frozen'>> & { readonly frozen?: string | undefined }): void

  payment(id: PaymentId): PaymentRow | undefined
  save(row: PaymentRow): void
  /** The newest payment of that agent under that key which was neither released nor denied. */
  byKey(agent: string, key: string, except: PaymentId): PaymentRow | undefined
  /**
   * Payments of that agent and fingerprint that are committed or settled, that were not delivered, and that nobody was
   * told of until after `since`; the oldest first.
   */
  twins(agent: string, fingerprint: string, since: Instant): Iterable<PaymentRow>
  /** Refusals of that agent's same request that were first recorded at or after `since`; the newest first, at most `limit`. */
  refusals(agent: string, fingerprint: string, since: Instant, limit: number): readonly PaymentRow[]
  /**
   * Drops the oldest refusals that were first recorded before that moment, or are at that place or an earlier one; at most
   * `limit` of them. The last payment stays, so that no place is given twice.
   */
  dropRefusals(old: OldRefusals): void
  /**
   * Payments of that agent and fingerprint that something was bought with after `since`; the newest first. All of
   * them only if {@link listsPurchases}.
   */
  purchases(agent: string, fingerprint: string, since: Instant): Iterable<PaymentRow>
  /** Does {@link purchases} find every payment? */
  listsPurchases(): boolean
  /** From now on payments are listed for {@link purchases}. The answer of {@link listsPurchases}. */
  beginListing(): boolean
  /**
   * Lists earlier payments for {@link purchases}, as long as `goOn` says, if that was begun. Those made before `since` may
   * be left out. True when all are listed.
   */
  listPurchases(since: Instant, goOn: () => boolean): boolean
  /** A payment's place; 0 for one that is not there. */
  place(id: PaymentId): number
  /** The place of the last payment; 0 if there is none. */
  last(): number
  /** Held payments whose owner is gone; not more than `limit`. */
  orphans(now: Instant, limit: number): readonly PaymentRow[]
  /** Looks at so many payments beyond `after` that it does not take long, and gives at most `limit` of them. */
  find(query: PaymentQuery, after: number | undefined, limit: number): FoundPage
  /**
   * Payments of that group that nobody works on, due at `to` or earlier. By when they are due, and those that are due at
   * the same time by their place; beyond `after` in that order.
   */
  due(group: DueGroup, page: DuePage, now: Instant): readonly DueRow[]
  /**
   * Payments beyond `after` and up to `until` that may have been authorized at or after `from`, in the order they were
   * made. As many as do not take long.
   */
  candidates(range: Pick<Fill, 'from' | 'until'>, after: number): FoundPage

  /** Counters like this claim's, with any value of the dimension, that count something in its window. */
  family(claim: CounterClaim, dimension: Dimension): readonly Counter[]
  /** All counters that ever counted anything. */
  counters(): readonly Counter[]
  /** What counts in the buckets at or after that moment. */
  countsSince(key: string, from: Instant): Counts
  addCounts(key: string, at: Instant, change: Counts): void
  /**
   * Do buckets tell what this payment holds, now or once it is saved? A store need not write down what the payments made
   * last hold, since most of them have ended soon: those are the {@link holdsOutsideBuckets}.
   */
  isHoldInBuckets(id: PaymentId): boolean
  /** Payments that are held or committed and whose hold is in no bucket: few. */
  holdsOutsideBuckets(): Iterable<PaymentRow>
  /** The shapes of all counters there are: few, and asked for by every hold. */
  shapes(): readonly KnownShape[]
  addShape(shape: KnownShape): void
  /** Payments up to that place are counted by the fill of that number. */
  setThrough(number: number, place: number): void
  /** Was any payment ever held along this name? */
  hasTrait(name: string): boolean
  addTrait(name: string): void

  /** Until when an owner lives. */
  owner(name: string): Instant | undefined
  setOwner(name: string, until: Instant | undefined): void
  lane(name: string): { readonly value: bigint; readonly payment?: PaymentId } | undefined
  setLane(name: string, value: bigint, payment: PaymentId | undefined): void

  channels(query: ChannelQuery): readonly Channel[]
  setChannel(channel: Channel): void

  /** The sum of the versions of these names. */
  version(names: readonly string[]): number
  bump(name: string): void
  pins(vendor: string): readonly Pin[]
  pinnedVendors(): readonly string[]
  setPins(vendor: string, pins: readonly Pin[]): void
  prices(of: PriceKey): ReadonlyMap<string, readonly DayOfPrices[]>
  /** The operations of a vendor that have prices in that unit: what was bought first comes first. */
  operations(vendor: string, unit: string): readonly string[]
  dropPrices(of: PriceKey): void
  /** Operations that stand for many, in the order they were made. */
  operationGroups(vendor: string, unit: string): readonly string[]
  addOperationGroup(of: PriceKey): void
  setPrices(of: PriceKey, rail: string, day: DayOfPrices, oldest: number): void
  advertised(of: PriceKey): Units | undefined
  setAdvertised(of: PriceKey, units: Units): void
  /** Remembered approvals of that agent for that vendor. Some may have run out. */
  grants(agent: string, vendor: string): readonly Grant[]
  allGrants(): readonly Grant[]
  /** Keeps a grant, and drops those that have run out. */
  setGrant(grant: Grant, now: Instant): void
  dropGrant(id: string): Grant | undefined
  isKnownVendor(agent: string, vendor: string): boolean
  addKnownVendor(agent: string, vendor: string): void
  /** The denials that stand for that agent and vendor. */
  denials(agent: string, vendor: string, now: Instant): readonly Denial[]
  /** Keeps a denial, and drops those that have run out. */
  addDenial(agent: string, vendor: string, denial: Denial, now: Instant): void

  /** Writes a row anew with all its times. No counter moves with it. */
  restamp(row: PaymentRow): void
  /** Changes the fill of the shape that has it. */
  setFill(fill: Fill): void
  /** Nothing is counted any more: every payment is about to be counted anew. */
  clearCounts(): void
  /** Moves the ends of leases, grants and denials. */
  moveEnds(move: (until: Instant) => Instant): void
}

/**
 * A store: gives the tables to one transaction at a time.
 *
 * A step is pure until its changes are written, so a store may run it more than once. `rehearse` is the same step at a
 * time that is only about right: a store behind a network runs it beforehand to find out what the step reads.
 */
export interface Store {
  read<T>(use: (tables: LedgerTables) => T, rehearse?: (tables: LedgerTables) => void): Promise<T>
  /** `durable`: on the disk before it is answered, whatever else is not. All of it happens, or none. */
  write<T>(
    use: (tables: LedgerTables) => T,
    durable: boolean,
    rehearse?: (tables: LedgerTables) => void,
  ): Promise<T>
  close(): Promise<void>
}
