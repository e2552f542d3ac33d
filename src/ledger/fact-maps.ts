import type { Instant, Units } from '../money/index.js'
import type { Grant } from '../policy/index.js'
import type { ApprovalRow } from './approval.js'
import { compositeKey } from './composite-key.js'
import { addMember } from './map-of-sets.js'
import type { Pin } from './pins.js'
import type { DayOfPrices } from './prices.js'
import type { Denial, FoundApprovals, PriceKey } from './tables.js'

const NONE: readonly string[] = Object.freeze([])

/** Keeps the facts that policy uses in maps. */
export class FactMaps {
  readonly #pins = new Map<string, readonly Pin[]>()
  readonly #prices = new Map<string, Map<string, readonly DayOfPrices[]>>()
  readonly #operations = new Map<string, Set<string>>()
  readonly #folds = new Map<string, readonly string[]>()
  readonly #advertised = new Map<string, Units>()
  /** Grants by agent and vendor, then by id. */
  readonly #grants = new Map<string, Map<string, Grant>>()
  readonly #known = new Set<string>()
  readonly #denials = new Map<string, readonly Denial[]>()
  /** Questions in the order in which they were asked. */
  readonly #approvals = new Map<string, ApprovalRow>()

  pins(vendor: string): readonly Pin[] {
    return this.#pins.get(vendor) ?? []
  }

  pinnedVendors(): readonly string[] {
    return [...this.#pins.keys()].sort()
  }

  setPins(vendor: string, pins: readonly Pin[]): void {
    if (pins.length > 0) this.#pins.set(vendor, pins)
    else this.#pins.delete(vendor)
  }

  prices({ vendor, operation, unit }: PriceKey): ReadonlyMap<string, readonly DayOfPrices[]> {
    return this.#prices.get(compositeKey(vendor, operation, unit)) ?? new Map()
  }

  setPrices({ vendor, operation, unit }: PriceKey, rail: string, day: DayOfPrices, oldest: number): void {
    const key = compositeKey(vendor, operation, unit)
    const rails = this.#prices.get(key) ?? new Map<string, readonly DayOfPrices[]>()
    const others = (rails.get(rail) ?? []).filter((known) => known.day !== day.day && known.day >= oldest)
    this.#prices.set(key, rails.set(rail, [...others, day]))
    addMember(this.#operations, compositeKey(vendor, unit), operation)
  }

  operations(vendor: string, unit: string): readonly string[] {
    return [...(this.#operations.get(compositeKey(vendor, unit)) ?? [])]
  }

  dropPrices({ vendor, operation, unit }: PriceKey): void {
    this.#prices.delete(compositeKey(vendor, operation, unit))
    this.#operations.get(compositeKey(vendor, unit))?.delete(operation)
  }

  operationGroups(vendor: string, unit: string): readonly string[] {
    return this.#folds.get(compositeKey(vendor, unit)) ?? NONE
  }

  addOperationGroup({ vendor, operation, unit }: PriceKey): void {
    this.#folds.set(compositeKey(vendor, unit), [...this.operationGroups(vendor, unit), operation])
  }

  advertised({ vendor, operation, unit }: PriceKey): Units | undefined {
    return this.#advertised.get(compositeKey(vendor, operation, unit))
  }

  setAdvertised({ vendor, operation, unit }: PriceKey, units: Units): void {
    this.#advertised.set(compositeKey(vendor, operation, unit), units)
  }

  grants(agent: string, vendor: string): readonly Grant[] {
    return [...(this.#grants.get(compositeKey(agent, vendor))?.values() ?? [])]
  }

  allGrants(): readonly Grant[] {
    return [...this.#grants.values()].flatMap((grants) => [...grants.values()])
  }

  setGrant(grant: Grant, now: Instant): void {
    for (const { id, until } of this.allGrants()) if (until <= now) this.dropGrant(id)
    const name = compositeKey(grant.agent, grant.vendor)
    const grants = this.#grants.get(name) ?? new Map<string, Grant>()
    this.#grants.set(name, grants.set(grant.id, grant))
  }

  dropGrant(id: string): Grant | undefined {
    for (const [name, grants] of this.#grants) {
      const grant = grants.get(id)
      if (grant === undefined) continue
      grants.delete(id)
      if (grants.size === 0) this.#grants.delete(name)
      return grant
    }
    return undefined
  }

  isKnownVendor(agent: string, vendor: string): boolean {
    return this.#known.has(compositeKey(agent, vendor))
  }

  addKnownVendor(agent: string, vendor: string): void {
    this.#known.add(compositeKey(agent, vendor))
  }

  denials(agent: string, vendor: string, now: Instant): readonly Denial[] {
    return (this.#denials.get(compositeKey(agent, vendor)) ?? []).filter(({ until }) => until > now)
  }

  addDenial(agent: string, vendor: string, denial: Denial, now: Instant): void {
    for (const [name, denials] of this.#denials) {
      const standing = denials.filter(({ until }) => until > now)
      if (standing.length === 0) this.#denials.delete(name)
      else if (standing.length < denials.length) this.#denials.set(name, standing)
    }
    const name = compositeKey(agent, vendor)
    this.#denials.set(name, [...(this.#denials.get(name) ?? []), denial])
  }

  approval(id: string): ApprovalRow | undefined {
    return this.#approvals.get(id)
  }

  saveApproval(row: ApprovalRow): void {
    this.#approvals.set(row.id, row)
  }

  openApprovals(): readonly ApprovalRow[] {
    return [...this.#approvals.values()].filter(({ open }) => open)
  }

  approvals(before: number | undefined, limit: number): FoundApprovals {
    const all = [...this.#approvals.values()]
    const end = before ?? all.length
    const start = Math.max(0, end - limit)
    return { rows: all.slice(start, end).reverse(), next: start === 0 ? undefined : start }
  }

  /** Moves the end times of grants and denials. */
  protected moveFacts(move: (until: Instant) => Instant): void {
    for (const grant of this.allGrants()) this.setGrant({ ...grant, until: move(grant.until) }, 0)
    for (const [name, denials] of this.#denials)
      this.#denials.set(
        name,
        denials.map((denial) => ({ ...denial, until: move(denial.until) })),
      )
  }
}
