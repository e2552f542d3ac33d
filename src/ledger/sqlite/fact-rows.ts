import type { Instant, Units } from '../../money/index.js'
import type { Grant, Terms } from '../../policy/index.js'
import { BoundedCache } from '../bounded-cache.js'
import { compositeKey } from '../composite-key.js'
import { decode, encode } from '../json.js'
import { damaged } from '../ledger-error.js'
import type { Pin } from '../pins.js'
import type { PaymentId } from '../port.js'
import type { DayOfPrices } from '../prices.js'
import type { Denial, PriceKey } from '../tables.js'
import { ApprovalRows } from './approval-rows.js'
import { type Fields, numberOf, optionalText, textOf } from './codec.js'

type Lane = { readonly value: bigint; readonly payment?: PaymentId }
type Rails = ReadonlyMap<string, readonly DayOfPrices[]>

/** The maximum of cached lists. It is lower than for single values, because lists are longer. */
const MOST_LISTS = 1000

/** Owners, lanes, and the facts that policies use. */
export class FactRows extends ApprovalRows {
  readonly #owners = new BoundedCache<Instant | undefined>()
  readonly #lanes = new BoundedCache<Lane | undefined>()
  readonly #versions = new BoundedCache<number>()
  readonly #pins = new BoundedCache<readonly Pin[]>(MOST_LISTS)
  readonly #prices = new BoundedCache<Rails>(MOST_LISTS)
  readonly #operations = new BoundedCache<readonly string[]>(MOST_LISTS)
  readonly #folds = new BoundedCache<readonly string[]>(MOST_LISTS)
  readonly #advertised = new BoundedCache<Units | undefined>()
  readonly #known = new BoundedCache<boolean>()
  readonly #denials = new BoundedCache<readonly Denial[]>(MOST_LISTS)
  readonly #grants = new BoundedCache<readonly Grant[]>(MOST_LISTS)

  /** Forgets all cached values, because another process has written. */
  doubt(): void {
    this.clear()
  }

  protected override clear(): void {
    super.clear()
    const lists = [this.#pins, this.#prices, this.#operations, this.#folds]
    const all = [this.#owners, this.#lanes, this.#versions, ...lists]
    for (const kept of [...all, this.#advertised, this.#known, this.#denials, this.#grants]) kept.clear()
  }

  owner(name: string): Instant | undefined {
    return this.#owners.getOrLoad(name, () => {
      const row = this.sql.get('SELECT until FROM owners WHERE name = ?', name)
      return row === undefined ? undefined : numberOf(row, 'until')
    })
  }

  setOwner(name: string, until: Instant | undefined): void {
    this.#owners.set(name, until)
    if (until === undefined) this.sql.run('DELETE FROM owners WHERE name = ?', name)
    else
      this.sql.run(
        'INSERT INTO owners VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET until = excluded.until',
        name,
        until,
      )
  }

  lane(name: string): Lane | undefined {
    return this.#lanes.getOrLoad(name, () => {
      const row = this.sql.get('SELECT value, payment FROM lanes WHERE name = ?', name)
      if (row === undefined) return undefined
      const value = BigInt(textOf(row, 'value'))
      const payment = optionalText(row, 'payment')
      return payment === undefined ? { value } : { value, payment }
    })
  }

  setLane(name: string, value: bigint, payment: PaymentId | undefined): void {
    this.#lanes.set(name, payment === undefined ? { value } : { value, payment })
    this.sql.run(
      `INSERT INTO lanes VALUES (?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value, payment = excluded.payment`,
      name,
      value.toString(),
      payment ?? null,
    )
  }

  version(names: readonly string[]): number {
    return names.reduce((sum, name) => sum + this.#version(name), 0)
  }

  #version(name: string): number {
    return this.#versions.getOrLoad(name, () => {
      const row = this.sql.get('SELECT n FROM versions WHERE name = ?', name)
      return row === undefined ? 0 : numberOf(row, 'n')
    })
  }

  bump(name: string): void {
    const n = this.#version(name) + 1
    this.#versions.set(name, n)
    this.sql.run(
      'INSERT INTO versions VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = excluded.n',
      name,
      n,
    )
  }

  pins(vendor: string): readonly Pin[] {
    return this.#pins.getOrLoad(vendor, () => {
      const row = this.sql.get('SELECT body FROM pins WHERE vendor = ?', vendor)
      return row === undefined ? [] : decodeAs(row, isPins)
    })
  }

  pinnedVendors(): readonly string[] {
    return this.sql.all('SELECT vendor FROM pins ORDER BY vendor').map((row) => textOf(row, 'vendor'))
  }

  setPins(vendor: string, pins: readonly Pin[]): void {
    this.#pins.set(vendor, pins)
    if (pins.length === 0) this.sql.run('DELETE FROM pins WHERE vendor = ?', vendor)
    else
      this.sql.run(
        'INSERT INTO pins VALUES (?, ?) ON CONFLICT (vendor) DO UPDATE SET body = excluded.body',
        vendor,
        encode(pins),
      )
  }

  prices({ vendor, operation, unit }: PriceKey): Rails {
    return this.#prices.getOrLoad(compositeKey(vendor, operation, unit), () => {
      const rails = new Map<string, DayOfPrices[]>()
      const sql = 'SELECT rail, day, body FROM prices WHERE vendor = ? AND operation = ? AND unit = ?'
      for (const row of this.sql.all(sql, vendor, operation, unit)) {
        const rail = textOf(row, 'rail')
        const days = rails.get(rail) ?? []
        days.push({ day: numberOf(row, 'day'), prices: readPrices(row) })
        rails.set(rail, days)
      }
      return rails
    })
  }

  setPrices(of: PriceKey, rail: string, today: DayOfPrices, oldest: number): void {
    const { vendor, operation, unit } = of
    const rails = this.prices(of)
    const before = rails.get(rail) ?? []
    const kept = before.filter(({ day }) => day !== today.day && day >= oldest)
    const known = rails.size === 0 ? this.#operations.get(compositeKey(vendor, unit)) : undefined
    if (known !== undefined) this.#operations.set(compositeKey(vendor, unit), [...known, operation])
    this.#prices.set(compositeKey(vendor, operation, unit), new Map([...rails, [rail, [...kept, today]]]))
    this.sql.run(
      `INSERT INTO prices VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (vendor, operation, unit, rail, day) DO UPDATE SET body = excluded.body`,
      vendor,
      operation,
      unit,
      rail,
      today.day,
      today.prices.join(),
    )
    if (before.every(({ day }) => day >= oldest)) return
    const sql = 'DELETE FROM prices WHERE vendor = ? AND operation = ? AND unit = ? AND rail = ? AND day < ?'
    this.sql.run(sql, vendor, operation, unit, rail, oldest)
  }

  operations(vendor: string, unit: string): readonly string[] {
    return this.#operations.getOrLoad(compositeKey(vendor, unit), () => {
      const sql = `SELECT operation FROM prices WHERE vendor = ? AND unit = ?
        GROUP BY operation ORDER BY min(day), operation`
      return this.sql.all(sql, vendor, unit).map((row) => textOf(row, 'operation'))
    })
  }

  dropPrices({ vendor, operation, unit }: PriceKey): void {
    const known = this.#operations.get(compositeKey(vendor, unit))
    if (known !== undefined)
      this.#operations.set(
        compositeKey(vendor, unit),
        known.filter((one) => one !== operation),
      )
    this.#prices.delete(compositeKey(vendor, operation, unit))
    const sql = 'DELETE FROM prices WHERE vendor = ? AND operation = ? AND unit = ?'
    this.sql.run(sql, vendor, operation, unit)
  }

  operationGroups(vendor: string, unit: string): readonly string[] {
    return this.#folds.getOrLoad(compositeKey(vendor, unit), () =>
      this.sql
        .all('SELECT operation FROM folds WHERE vendor = ? AND unit = ? ORDER BY n', vendor, unit)
        .map((row) => textOf(row, 'operation')),
    )
  }

  addOperationGroup({ vendor, operation, unit }: PriceKey): void {
    this.#folds.delete(compositeKey(vendor, unit))
    const sql = 'INSERT OR IGNORE INTO folds (vendor, unit, operation) VALUES (?, ?, ?)'
    this.sql.run(sql, vendor, unit, operation)
  }

  advertised({ vendor, operation, unit }: PriceKey): Units | undefined {
    return this.#advertised.getOrLoad(compositeKey(vendor, operation, unit), () => {
      const sql = 'SELECT units FROM advertised WHERE vendor = ? AND operation = ? AND unit = ?'
      const row = this.sql.get(sql, vendor, operation, unit)
      return row === undefined ? undefined : BigInt(textOf(row, 'units'))
    })
  }

  setAdvertised({ vendor, operation, unit }: PriceKey, units: Units): void {
    this.#advertised.set(compositeKey(vendor, operation, unit), units)
    const sql = 'INSERT OR REPLACE INTO advertised VALUES (?, ?, ?, ?)'
    this.sql.run(sql, vendor, operation, unit, units.toString())
  }

  grants(agent: string, vendor: string): readonly Grant[] {
    return this.#grants.getOrLoad(compositeKey(agent, vendor), () =>
      this.sql
        .all('SELECT body FROM grants WHERE agent = ? AND vendor = ? ORDER BY id', agent, vendor)
        .map((row) => decodeAs(row, isGrant)),
    )
  }

  allGrants(): readonly Grant[] {
    return this.sql.all('SELECT body FROM grants ORDER BY id').map((row) => decodeAs(row, isGrant))
  }

  setGrant(grant: Grant, now: Instant): void {
    const { id, agent, vendor, until } = grant
    this.#grants.delete(compositeKey(agent, vendor))
    this.sql.run('DELETE FROM grants WHERE until <= ?', now)
    this.sql.run(
      'INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?)',
      id,
      agent,
      vendor,
      until,
      encode(grant),
    )
  }

  dropGrant(id: string): Grant | undefined {
    const row = this.sql.get('SELECT body FROM grants WHERE id = ?', id)
    if (row === undefined) return undefined
    const grant = decodeAs(row, isGrant)
    this.#grants.delete(compositeKey(grant.agent, grant.vendor))
    this.sql.run('DELETE FROM grants WHERE id = ?', id)
    return grant
  }

  isKnownVendor(agent: string, vendor: string): boolean {
    const sql = 'SELECT 1 FROM known WHERE agent = ? AND vendor = ?'
    return this.#known.getOrLoad(
      compositeKey(agent, vendor),
      () => this.sql.get(sql, agent, vendor) !== undefined,
    )
  }

  addKnownVendor(agent: string, vendor: string): void {
    this.#known.set(compositeKey(agent, vendor), true)
    this.sql.run('INSERT OR IGNORE INTO known VALUES (?, ?)', agent, vendor)
  }

  denials(agent: string, vendor: string, now: Instant): readonly Denial[] {
    const known = this.#denialsOf(agent, vendor)
    return known.every(({ until }) => until > now) ? known : known.filter(({ until }) => until > now)
  }

  #denialsOf(agent: string, vendor: string): readonly Denial[] {
    const sql = 'SELECT operation, until, body FROM denials WHERE agent = ? AND vendor = ? ORDER BY n'
    return this.#denials.getOrLoad(compositeKey(agent, vendor), () =>
      this.sql.all(sql, agent, vendor).map((row) => ({
        operation: textOf(row, 'operation'),
        until: numberOf(row, 'until'),
        terms: decodeAs(row, isTerms),
      })),
    )
  }

  moveEnds(move: (until: Instant) => Instant): void {
    for (const row of this.sql.all('SELECT name, until FROM owners'))
      this.setOwner(textOf(row, 'name'), move(numberOf(row, 'until')))
    for (const grant of this.allGrants()) this.setGrant({ ...grant, until: move(grant.until) }, 0)
    for (const row of this.sql.all('SELECT DISTINCT until FROM denials ORDER BY until')) {
      const until = numberOf(row, 'until')
      if (move(until) !== until)
        this.sql.run('UPDATE denials SET until = ? WHERE until = ?', move(until), until)
    }
    this.#denials.clear()
  }

  addDenial(agent: string, vendor: string, denial: Denial, now: Instant): void {
    const standing = this.denials(agent, vendor, now)
    this.#denials.set(compositeKey(agent, vendor), [...standing, denial])
    this.sql.run('DELETE FROM denials WHERE until <= ?', now)
    const sql = 'INSERT INTO denials (agent, vendor, operation, until, body) VALUES (?, ?, ?, ?, ?)'
    this.sql.run(sql, agent, vendor, denial.operation, denial.until, encode(denial.terms))
  }
}

function decodeAs<T>(row: Fields, is: (value: unknown) => value is T): T {
  const value = decode(textOf(row, 'body'))
  if (!is(value)) throw damaged()
  return value
}

function isPins(value: unknown): value is readonly Pin[] {
  return Array.isArray(value) && value.every((pin: unknown) => hasTexts(pin, ['rail', 'payee']))
}

function readPrices(row: Fields): readonly Units[] {
  try {
    return textOf(row, 'body').split(',').map(BigInt)
  } catch {
    throw damaged()
  }
}

function isGrant(value: unknown): value is Grant {
  return hasTexts(value, ['id', 'agent', 'vendor', 'rail', 'by', 'unit'])
}

function isTerms(value: unknown): value is Terms {
  return hasTexts(value, ['purpose', 'kind', 'network'])
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === 'string')
  )
}
