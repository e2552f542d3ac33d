import type { Instant } from '../../money/index.js'
import type { CounterClaim, Dimension } from '../../policy/index.js'
import { own } from '../../util/objects.js'
import type { Channel, ChannelQuery } from '../channel.js'
import { type Counter, type Counts, counterOf } from '../counts.js'
import { claimBy, familyOf, sameFamily } from '../family.js'
import { decode, encode } from '../json.js'
import { damaged, ledgerError } from '../ledger-error.js'
import type { PaymentId } from '../port.js'
import { isChannel } from '../query.js'
import type { Fill, KnownShape } from '../shapes.js'
import type { LedgerTables, Meta } from '../tables.js'
import { ApprovalTables } from './approvals.js'
import { has, isText } from './facts.js'
import { keyOf, prefixOf, rangeOf } from './keys.js'
import type { StoreEntry, StoreRange } from './port.js'

/** The version of the format. A higher version in the store was written by a later Purser. */
const FORMAT = 1
export const META = keyOf('meta')
const SHAPES = keyOf('shapes')
/** The key for the number of channels. */
const CHANNELS = keyOf('channels')

/**
 * A limit for the buckets of a window. A rolling window has sixty buckets, and payments that did not claim it may be in
 * others.
 */
const MOST_BUCKETS = 1000
/** Buckets older than every window are kept this long. Then they are deleted a few at a time. */
const SPARED_MS = 3_600_000
const MOST_PRUNED = 3

/** Returns the values of a new ledger. */
export function newMeta(id: string): string {
  const meta: Meta = { id, high: 0, clock: { unseen: [], lowered: 0 }, filled: 0, shapes: 0, gaps: [] }
  return encode({ format: FORMAT, ...meta })
}

/** The few values that every step reads, and the counters, lanes and channels, as keys and values. */
export class CounterTables extends ApprovalTables {
  /** The beginning of the window of each counter that this step has read. */
  readonly #windows = new Map<string, Instant>()

  meta(): Meta {
    const text = this.entries.get(META)
    if (text === undefined) throw ledgerError('ledger_missing', 'The ledger has vanished from its store')
    const value = decode(text)
    if (!isMeta(value)) throw damaged()
    const { format, ...meta } = value
    if (format > FORMAT)
      throw ledgerError(
        'ledger_newer',
        'The ledger was written by a newer version of Purser. Upgrade this process',
      )
    return own(meta)
  }

  setMeta(change: Parameters<LedgerTables['setMeta']>[0]): void {
    this.entries.set(META, encode({ format: FORMAT, ...this.meta(), ...change }))
  }

  shapes(): readonly KnownShape[] {
    return this.list(SHAPES, isShape).map((shape) => own(shape))
  }

  addShape(shape: KnownShape): void {
    const shapes = [...this.shapes(), shape]
    this.setList(SHAPES, shapes)
    this.setMeta({ shapes: shapes.length })
  }

  setThrough(number: number, through: number): void {
    for (const { fill } of this.shapes()) if (fill?.number === number) this.setFill({ ...fill, through })
  }

  setFill(fill: Fill): void {
    const shapes = this.shapes()
    this.setList(
      SHAPES,
      shapes.map((shape) => (shape.fill?.number === fill.number ? { ...shape, fill } : shape)),
    )
  }

  hasTrait(name: string): boolean {
    return this.entries.get(keyOf('trait', name)) !== undefined
  }

  addTrait(name: string): void {
    this.entries.set(keyOf('trait', name), '1')
  }

  countsSince(key: string, from: Instant): Counts {
    this.#windows.set(key, from)
    const sum = { counted: 0n, held: 0n }
    const all = rangeOf(prefixOf('bucket', key), MOST_BUCKETS)
    for (const { value } of this.rest({ ...all, from: keyOf('bucket', key, from) })) {
      const { counted, held } = countsOf(value)
      sum.counted += counted
      sum.held += held
    }
    return sum
  }

  addCounts(key: string, at: Instant, change: Counts): void {
    if (change.counted === 0n && change.held === 0n) return
    const bucket = keyOf('bucket', key, at)
    const before = this.entries.get(bucket)
    if (before === undefined) this.#beginBucket(key)
    const { counted, held } = countsOf(before)
    this.entries.set(bucket, `${counted + change.counted} ${held + change.held}`)
  }

  /** Notes the counter for {@link family}, and deletes a few of its buckets that no window reaches. */
  #beginBucket(key: string): void {
    const counter = counterOf(key)
    if (counter === undefined) throw damaged()
    this.entries.set(keyOf('counter', familyOf(counter), key), key)
    const from = this.#windows.get(key) ?? 0
    if (from <= SPARED_MS) return
    const old = {
      ...rangeOf(prefixOf('bucket', key), MOST_PRUNED),
      to: keyOf('bucket', key, from - SPARED_MS),
    }
    for (const bucket of this.entries.range(old)) this.entries.set(bucket.key, undefined)
  }

  family(claim: CounterClaim, dimension: Dimension): readonly Counter[] {
    const keys = [...this.all(prefixOf('counter', familyOf(claimBy(claim, dimension))))].map(
      ({ value }) => value,
    )
    const used = (key: string): StoreRange => ({
      ...rangeOf(prefixOf('bucket', key), 1),
      from: keyOf('bucket', key, claim.from),
    })
    const counters = keys.flatMap((key) => {
      const counter = counterOf(key)
      return counter !== undefined && sameFamily(counter, claim, dimension) ? [{ key, counter }] : []
    })
    this.entries.want(counters.map(({ key }) => used(key)))
    return counters.flatMap(({ key, counter }) => (this.entries.range(used(key)).length > 0 ? [counter] : []))
  }

  counters(): readonly Counter[] {
    return Array.from(this.all(prefixOf('counter')), ({ value }) => {
      const counter = counterOf(value)
      if (counter === undefined) throw damaged()
      return counter
    })
  }

  clearCounts(): void {
    for (const { key } of [...this.all(prefixOf('bucket'))]) this.entries.set(key, undefined)
  }

  /** Always returns true: the buckets contain the held amounts of every payment. */
  isHoldInBuckets(): boolean {
    return true
  }

  lane(name: string): { readonly value: bigint; readonly payment?: PaymentId } | undefined {
    const text = this.entries.get(keyOf('lane', name))
    if (text === undefined) return undefined
    const lane = decode(text)
    if (!isLane(lane)) throw damaged()
    return own(lane)
  }

  setLane(name: string, value: bigint, payment: PaymentId | undefined): void {
    this.entries.set(keyOf('lane', name), encode({ value, payment }))
  }

  channels(query: ChannelQuery): readonly Channel[] {
    return this.#channelEntries(query)
      .map(({ value }) => storedChannel(value))
      .sort((a, b) => a.order - b.order)
      .map(({ channel }) => channel)
      .filter((channel) => isChannel(channel, query))
  }

  /** Reads only the channels of a slot, or only the channels that are not closed, if the query allows it. */
  #channelEntries({ slot, state }: ChannelQuery): readonly StoreEntry[] {
    if (slot !== undefined) return [...this.all(prefixOf('channel', slot))]
    if (state === undefined || state === 'closed') return [...this.all(prefixOf('channel'))]
    const keys = Array.from(this.all(prefixOf('unclosed')), ({ value }) => value)
    this.entries.want(keys.map((key) => ({ key })))
    return keys.flatMap((key) => {
      const value = this.entries.get(key)
      return value === undefined ? [] : [{ key, value }]
    })
  }

  setChannel(channel: Channel): void {
    const key = keyOf('channel', channel.slot, channel.lane)
    const before = this.entries.get(key)
    const order = before === undefined ? this.#nextOrder() : storedChannel(before).order
    this.entries.set(key, encode({ order, channel }))
    this.entries.set(keyOf('unclosed', order), channel.state === 'closed' ? undefined : key)
  }

  /** Returns the place of a new channel. Every list begins with the oldest channel. */
  #nextOrder(): number {
    const order = 1 + Number(this.entries.get(CHANNELS) ?? 0)
    this.entries.set(CHANNELS, `${order}`)
    return order
  }
}

function countsOf(text: string | undefined): Counts {
  if (text === undefined) return { counted: 0n, held: 0n }
  const [counted = '', held = ''] = text.split(' ')
  try {
    return { counted: BigInt(counted), held: BigInt(held) }
  } catch {
    throw damaged()
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number'

function isMeta(value: unknown): value is Meta & { readonly format: number } {
  return (
    has(value, 'format', isNumber) &&
    has(value, 'id', isText) &&
    has(value, 'high', isNumber) &&
    has(value, 'filled', isNumber) &&
    has(value, 'shapes', isNumber) &&
    has(value, 'gaps', Array.isArray) &&
    has(value, 'clock', (clock) => has(clock, 'unseen', Array.isArray) && has(clock, 'lowered', isNumber))
  )
}

function isShape(value: unknown): value is KnownShape {
  return has(value, 'by', Array.isArray) && has(value, 'window', isText)
}

function isLane(value: unknown): value is { readonly value: bigint; readonly payment?: PaymentId } {
  return has(value, 'value', (lane) => typeof lane === 'bigint')
}

function storedChannel(text: string): { readonly order: number; readonly channel: Channel } {
  const stored = decode(text)
  if (!isStoredChannel(stored)) throw damaged()
  return { order: stored.order, channel: Object.freeze(stored.channel) }
}

function isStoredChannel(value: unknown): value is { readonly order: number; readonly channel: Channel } {
  return (
    has(value, 'order', isNumber) &&
    has(value, 'channel', (channel) => has(channel, 'lane', isText) && has(channel, 'rev', isNumber))
  )
}
