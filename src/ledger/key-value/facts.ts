import type { Instant, Units } from '../../money/index.js'
import type { Grant } from '../../policy/index.js'
import { decode, encode } from '../json.js'
import { damaged } from '../ledger-error.js'
import type { Pin } from '../pins.js'
import type { DayOfPrices } from '../prices.js'
import type { Denial, PriceKey } from '../tables.js'
import type { Entries } from './entries.js'
import { keyOf, lastNumber, prefixOf, rangeOf } from './keys.js'
import type { StoreEntry, StoreRange } from './port.js'

/** How many entries are read at a time if all are needed. */
const PAGE = 256

/** The facts that policies use, as keys and values. */
export class FactTables {
  protected readonly entries: Entries

  constructor(entries: Entries) {
    this.entries = entries
  }

  /** Returns all entries with that prefix, in their order. */
  protected all(prefix: string): Iterable<StoreEntry> {
    return this.rest(rangeOf(prefix, PAGE))
  }

  /** Returns all entries of a range. It reads them in pages of the range's limit. */
  protected *rest(range: StoreRange): Iterable<StoreEntry> {
    for (let { from, to } = range; ; ) {
      const page = this.entries.range({ ...range, from, to })
      yield* page
      const last = page.at(-1)
      if (page.length < range.limit || last === undefined) return
      if (range.order === 'ascending') from = `${last.key} `
      else to = last.key
    }
  }

  protected list<T>(key: string, is: (value: unknown) => value is T): readonly T[] {
    const text = this.entries.get(key)
    if (text === undefined) return []
    const value = decode(text)
    if (!Array.isArray(value) || !value.every(is)) throw damaged()
    return value
  }

  protected setList(key: string, list: readonly unknown[]): void {
    this.entries.set(key, list.length === 0 ? undefined : encode(list))
  }

  version(names: readonly string[]): number {
    const keys = names.map((name) => keyOf('version', name))
    this.entries.want(keys.map((key) => ({ key })))
    return keys.reduce((sum, key) => sum + Number(this.entries.get(key) ?? 0), 0)
  }

  bump(name: string): void {
    const key = keyOf('version', name)
    this.entries.set(key, `${Number(this.entries.get(key) ?? 0) + 1}`)
  }

  pins(vendor: string): readonly Pin[] {
    return this.list(keyOf('pins', vendor), isPin)
  }

  pinnedVendors(): readonly string[] {
    const vendors = [...this.all(prefixOf('pinned'))].map(({ value }) => value)
    return vendors.sort()
  }

  setPins(vendor: string, pins: readonly Pin[]): void {
    this.setList(keyOf('pins', vendor), pins)
    this.entries.set(keyOf('pinned', vendor), pins.length === 0 ? undefined : vendor)
  }

  prices({ vendor, operation, unit }: PriceKey): ReadonlyMap<string, readonly DayOfPrices[]> {
    return new Map(this.list(keyOf('prices', vendor, unit, operation), isPricesOfRail))
  }

  setPrices(of: PriceKey, rail: string, today: DayOfPrices, oldest: number): void {
    const rails = new Map(this.prices(of))
    const others = (rails.get(rail) ?? []).filter(({ day }) => day !== today.day && day >= oldest)
    rails.set(rail, [...others, today])
    this.setList(keyOf('prices', of.vendor, of.unit, of.operation), [...rails])
    const known = this.operations(of.vendor, of.unit)
    if (!known.includes(of.operation))
      this.setList(keyOf('operations', of.vendor, of.unit), [...known, of.operation])
  }

  operations(vendor: string, unit: string): readonly string[] {
    return this.list(keyOf('operations', vendor, unit), isText)
  }

  dropPrices({ vendor, operation, unit }: PriceKey): void {
    this.entries.set(keyOf('prices', vendor, unit, operation), undefined)
    const rest = this.operations(vendor, unit).filter((one) => one !== operation)
    this.setList(keyOf('operations', vendor, unit), rest)
  }

  operationGroups(vendor: string, unit: string): readonly string[] {
    return this.list(keyOf('groups', vendor, unit), isText)
  }

  addOperationGroup({ vendor, operation, unit }: PriceKey): void {
    const known = this.operationGroups(vendor, unit)
    if (!known.includes(operation)) this.setList(keyOf('groups', vendor, unit), [...known, operation])
  }

  advertised({ vendor, operation, unit }: PriceKey): Units | undefined {
    const text = this.entries.get(keyOf('advertised', vendor, unit, operation))
    return text === undefined ? undefined : BigInt(text)
  }

  setAdvertised({ vendor, operation, unit }: PriceKey, units: Units): void {
    this.entries.set(keyOf('advertised', vendor, unit, operation), `${units}`)
  }

  grants(agent: string, vendor: string): readonly Grant[] {
    return this.list(keyOf('grants', agent, vendor), isGrant)
  }

  allGrants(): readonly Grant[] {
    const lists = [...this.all(prefixOf('grants'))].map(({ key }) => this.list(key, isGrant))
    return lists.flat()
  }

  setGrant(grant: Grant, now: Instant): void {
    const { id, agent, vendor } = grant
    const others = this.grants(agent, vendor).filter((one) => one.id !== id && one.until > now)
    this.setList(keyOf('grants', agent, vendor), [...others, grant])
    this.entries.set(keyOf('grant', id), encode([agent, vendor]))
  }

  dropGrant(id: string): Grant | undefined {
    const [agent, vendor] = this.list(keyOf('grant', id), isText)
    if (agent === undefined || vendor === undefined) return undefined
    this.entries.set(keyOf('grant', id), undefined)
    const grants = this.grants(agent, vendor)
    this.setList(
      keyOf('grants', agent, vendor),
      grants.filter((one) => one.id !== id),
    )
    return grants.find((one) => one.id === id)
  }

  isKnownVendor(agent: string, vendor: string): boolean {
    return this.entries.get(keyOf('known', agent, vendor)) !== undefined
  }

  addKnownVendor(agent: string, vendor: string): void {
    this.entries.set(keyOf('known', agent, vendor), '1')
  }

  denials(agent: string, vendor: string, now: Instant): readonly Denial[] {
    return this.list(keyOf('denials', agent, vendor), isDenial).filter(({ until }) => until > now)
  }

  addDenial(agent: string, vendor: string, denial: Denial, now: Instant): void {
    this.setList(keyOf('denials', agent, vendor), [...this.denials(agent, vendor, now), denial])
  }

  owner(name: string): Instant | undefined {
    const text = this.entries.get(keyOf('owner', name))
    return text === undefined ? undefined : Number(text)
  }

  setOwner(name: string, until: Instant | undefined): void {
    this.entries.set(keyOf('owner', name), until === undefined ? undefined : `${until}`)
  }

  moveEnds(move: (until: Instant) => Instant): void {
    for (const { key, value } of [...this.all(prefixOf('owner'))])
      this.entries.set(key, `${move(Number(value))}`)
    for (const { key } of [...this.all(prefixOf('grants'))])
      this.setList(
        key,
        this.list(key, isGrant).map((grant) => ({ ...grant, until: move(grant.until) })),
      )
    for (const { key } of [...this.all(prefixOf('denials'))])
      this.setList(
        key,
        this.list(key, isDenial).map((denial) => ({ ...denial, until: move(denial.until) })),
      )
  }

  /** Returns the place of the last payment, or 0 if there is none. */
  last(): number {
    const [last] = this.entries.range(rangeOf(prefixOf('payment'), 1, 'descending'))
    return last === undefined ? 0 : lastNumber(last.key)
  }
}

export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

export function has(value: unknown, name: string, is: (item: unknown) => boolean): boolean {
  return typeof value === 'object' && value !== null && is(Reflect.get(value, name))
}

const isNumber = (value: unknown): boolean => typeof value === 'number'

function isPin(value: unknown): value is Pin {
  return has(value, 'rail', isText) && has(value, 'payee', isText)
}

function isPricesOfRail(value: unknown): value is [string, readonly DayOfPrices[]] {
  return Array.isArray(value) && isText(value[0]) && Array.isArray(value[1])
}

function isGrant(value: unknown): value is Grant {
  return has(value, 'id', isText) && has(value, 'agent', isText) && has(value, 'until', isNumber)
}

function isDenial(value: unknown): value is Denial {
  return has(value, 'operation', isText) && has(value, 'until', isNumber) && has(value, 'terms', Boolean)
}
