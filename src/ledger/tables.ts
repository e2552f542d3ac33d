import type { Instant, Units } from '../money/index.js'
import type { CounterClaim, Dimension, Grant, Terms } from '../policy/index.js'
import type { ApprovalRow } from './approval.js'
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
  /** The highest time so far. */
  readonly high: Instant
  /** The stored data about the clocks. */
  readonly clock: ClockRecord
  readonly frozen?: string
  /** The number of shapes that were filled from stored payments. */
  readonly filled: number
  /** The number of shapes of counters. */
  readonly shapes: number
  /** The periods whose payments the ledger may have lost, the oldest first. */
  readonly gaps: readonly Gap[]
}

/** A stored payment and its place in the order of creation. */
export interface StoredRow {
  readonly place: number
  readonly row: PaymentRow
}

/** The results of a search so far. */
export interface FoundPage {
  readonly rows: readonly StoredRow[]
  /** The place where the search continues. Undefined at the end. */
  readonly next?: number | undefined
}

/** Questions of a list, and the place before which it continues. Undefined at the end. */
export interface FoundApprovals {
  readonly rows: readonly ApprovalRow[]
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

/** The key of a stored price: the operation of a vendor, and the currency id of the price's unit. */
export interface PriceKey {
  readonly vendor: string
  readonly operation: string
  readonly unit: string
}

/** A person's denial: these terms, and all terms that are no better, for one operation. */
export interface Denial {
  readonly operation: string
  readonly terms: Terms
  readonly until: Instant
}

/**
 * The rows of a store. The interface is synchronous and is only used inside one transaction. It loads and writes rows,
 * and makes no decisions.
 */
export interface LedgerTables {
  meta(): Meta
  setMeta(change: Partial<Omit<Meta, 'id' | 'frozen'>> & { readonly frozen?: string | undefined }): void

  payment(id: PaymentId): PaymentRow | undefined
  save(row: PaymentRow): void
  /** Returns the newest payment of that agent with that key that was not released or denied. */
  byKey(agent: string, key: string, except: PaymentId): PaymentRow | undefined
  /**
   * Returns payments of that agent and fingerprint that are committed or settled, that were not delivered, and that
   * were reported to a caller after `since` or not at all. The oldest come first.
   */
  twins(agent: string, fingerprint: string, since: Instant): Iterable<PaymentRow>
  /**
   * Returns refusals of that agent's same request that were first recorded at or after `since`. The newest come first,
   * at most `limit`.
   */
  refusals(agent: string, fingerprint: string, since: Instant, limit: number): readonly PaymentRow[]
  /**
   * Deletes the oldest refusals that were first recorded before that moment, or that have that place or an earlier one.
   * It deletes at most `limit` of them. The last payment stays, so that no place is used twice.
   */
  dropRefusals(old: OldRefusals): void
  /**
   * Returns payments of that agent and fingerprint that bought something after `since`, the newest first. The result is
   * complete only if {@link listsPurchases} returns true.
   */
  purchases(agent: string, fingerprint: string, since: Instant): Iterable<PaymentRow>
  /** Returns whether {@link purchases} finds every payment. */
  listsPurchases(): boolean
  /** Starts to list new payments for {@link purchases}. Returns the same value as {@link listsPurchases}. */
  beginListing(): boolean
  /**
   * Lists earlier payments for {@link purchases} until `goOn` returns false, if listing was started. It may leave out
   * payments from before `since`. Returns true if all payments are listed.
   */
  listPurchases(since: Instant, goOn: () => boolean): boolean
  /** Returns a payment's place, or 0 if the payment does not exist. */
  place(id: PaymentId): number
  /** Returns the place of the last payment, or 0 if there is none. */
  last(): number
  /** Returns held payments whose owner is gone, at most `limit`. */
  orphans(now: Instant, limit: number): readonly PaymentRow[]
  /** Checks as many payments beyond `after` as it can in a short time, and returns at most `limit` of them. */
  find(query: PaymentQuery, after: number | undefined, limit: number): FoundPage
  /**
   * Returns payments of that group that no process works on and that are due at `to` or earlier. They are sorted by due
   * time, then by place. The result starts beyond `after`.
   */
  due(group: DueGroup, page: DuePage, now: Instant): readonly DueRow[]
  /**
   * Returns payments beyond `after` and up to `until` that may have been authorized at or after `from`, in the order of
   * creation. The number is limited so that the read does not take long.
   */
  candidates(range: Pick<Fill, 'from' | 'until'>, after: number): FoundPage

  /** Returns counters like this claim's, with any value of the dimension, that count something in its window. */
  family(claim: CounterClaim, dimension: Dimension): readonly Counter[]
  /** Returns all counters that ever counted a payment. */
  counters(): readonly Counter[]
  /** Returns the sum of the buckets at or after that moment. */
  countsSince(key: string, from: Instant): Counts
  addCounts(key: string, at: Instant, change: Counts): void
  /**
   * Returns whether the buckets contain the hold of this payment, now or after it is saved. A store does not need to
   * write the holds of the newest payments, because most of them end soon. Those are the {@link holdsOutsideBuckets}.
   */
  isHoldInBuckets(id: PaymentId): boolean
  /** Returns the held or committed payments whose hold is in no bucket. There are few of them. */
  holdsOutsideBuckets(): Iterable<PaymentRow>
  /** Returns the shapes of all counters. There are few of them, and every hold reads them. */
  shapes(): readonly KnownShape[]
  addShape(shape: KnownShape): void
  /** Records that the fill with that number has counted payments up to that place. */
  setThrough(number: number, place: number): void
  /** Returns whether any payment was ever held with this name. */
  hasTrait(name: string): boolean
  addTrait(name: string): void

  /** Returns the end of an owner's lease. */
  owner(name: string): Instant | undefined
  setOwner(name: string, until: Instant | undefined): void
  lane(name: string): { readonly value: bigint; readonly payment?: PaymentId } | undefined
  setLane(name: string, value: bigint, payment: PaymentId | undefined): void

  approval(id: string): ApprovalRow | undefined
  /** Stores a question, new or changed. */
  saveApproval(row: ApprovalRow): void
  /** Returns the questions that wait and the yeses that can still be used, the oldest first. There are few of them. */
  openApprovals(): readonly ApprovalRow[]
  /** Returns questions from before that place, the newest first. */
  approvals(before: number | undefined, limit: number): FoundApprovals

  channels(query: ChannelQuery): readonly Channel[]
  setChannel(channel: Channel): void

  /** Returns the sum of the versions of these names. */
  version(names: readonly string[]): number
  bump(name: string): void
  pins(vendor: string): readonly Pin[]
  pinnedVendors(): readonly string[]
  setPins(vendor: string, pins: readonly Pin[]): void
  prices(of: PriceKey): ReadonlyMap<string, readonly DayOfPrices[]>
  /**
   * Returns the operations of a vendor that have prices in that unit. The operation that was bought first comes first.
   */
  operations(vendor: string, unit: string): readonly string[]
  dropPrices(of: PriceKey): void
  /** Returns the operations that represent many operations, in the order of creation. */
  operationGroups(vendor: string, unit: string): readonly string[]
  addOperationGroup(of: PriceKey): void
  setPrices(of: PriceKey, rail: string, day: DayOfPrices, oldest: number): void
  advertised(of: PriceKey): Units | undefined
  setAdvertised(of: PriceKey, units: Units): void
  /** Returns remembered approvals of that agent for that vendor. Some may have expired. */
  grants(agent: string, vendor: string): readonly Grant[]
  allGrants(): readonly Grant[]
  /** Stores a grant, and deletes expired grants. */
  setGrant(grant: Grant, now: Instant): void
  dropGrant(id: string): Grant | undefined
  isKnownVendor(agent: string, vendor: string): boolean
  addKnownVendor(agent: string, vendor: string): void
  /** Returns the valid denials for that agent and vendor. */
  denials(agent: string, vendor: string, now: Instant): readonly Denial[]
  /** Stores a denial, and deletes expired denials. */
  addDenial(agent: string, vendor: string, denial: Denial, now: Instant): void

  /** Writes a row again with all its times. It changes no counter. */
  restamp(row: PaymentRow): void
  /** Changes the fill of the shape with the same fill number. */
  setFill(fill: Fill): void
  /** Clears all counts, because every payment will be counted again. */
  clearCounts(): void
  /** Moves the end times of leases, grants and denials. */
  moveEnds(move: (until: Instant) => Instant): void
}

/**
 * A store. It gives the tables to one transaction at a time.
 *
 * A step is pure until its changes are written, so a store may run it more than once. `rehearse` is the same step at an
 * approximate time. A store behind a network runs it first, to find out which data the step reads.
 */
export interface Store {
  read<T>(use: (tables: LedgerTables) => T, rehearse?: (tables: LedgerTables) => void): Promise<T>
  /**
   * Runs a step that writes. All of its changes are written, or none. `durable`: the changes are synced to the disk
   * before it is answered, even if other steps are not.
   */
  write<T>(
    use: (tables: LedgerTables) => T,
    durable: boolean,
    rehearse?: (tables: LedgerTables) => void,
  ): Promise<T>
  close(): Promise<void>
}
