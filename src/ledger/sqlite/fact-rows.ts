import type { Instant, Units } from '../../money/index.js'
import type { Grant } from '../../policy/index.js'
import { nameOf } from '../names.js'
import type { Pin } from '../pins.js'
import type { PaymentId } from '../port.js'
import type { DayOfPrices } from '../prices.js'
import type { Operation } from '../shelf.js'
import { ChannelRows } from './channel-rows.js'
import { type Fields, numberOf, optionalText, textOf } from './codec.js'
import { damaged } from './failures.js'
import { decode, encode } from './json.js'
import { Kept } from './kept.js'

type Lane = { readonly value: bigint; readonly payment?: PaymentId }
type Rails = ReadonlyMap<string, readonly DayOfPrices[]>

/** Lists are longer than single values, so fewer of them are kept. */
const MOST_LISTS = 1000

/** Owners, lanes, and what policy judges by. */
export class FactRows extends ChannelRows {
  readonly #owners = new Kept<Instant | undefined>()
  readonly #lanes = new Kept<Lane | undefined>()
  readonly #versions = new Kept<number>()
  readonly #pins = new Kept<readonly Pin[]>(MOST_LISTS)
  readonly #prices = new Kept<Rails>(MOST_LISTS)
  readonly #advertised = new Kept<Units | undefined>()
  readonly #known = new Kept<boolean>()
  readonly #denials = new Kept<ReadonlyMap<string, Instant>>()
  #grants: readonly Grant[] | undefined

  /** Somebody else has written: nothing that was read before is believed. */
  doubt(): void {
    this.clear()
  }

  protected override clear(): void {
    super.clear()
    const all = [this.#owners, this.#lanes, this.#versions, this.#pins, this.#prices]
    for (const kept of [...all, this.#advertised, this.#known, this.#denials]) kept.clear()
    this.#grants = undefined
  }

  owner(name: string): Instant | undefined {
    return this.#owners.of(name, () => {
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
    return this.#lanes.of(name, () => {
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
    return this.#versions.of(name, () => {
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
    return this.#pins.of(vendor, () => {
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

  prices({ vendor, operation }: Operation): Rails {
    return this.#prices.of(nameOf(vendor, operation), () => {
      const rails = new Map<string, DayOfPrices[]>()
      const sql = 'SELECT rail, day, body FROM prices WHERE vendor = ? AND operation = ?'
      for (const row of this.sql.all(sql, vendor, operation)) {
        const rail = textOf(row, 'rail')
        const days = rails.get(rail) ?? []
        days.push({ day: numberOf(row, 'day'), prices: readPrices(row) })
        rails.set(rail, days)
      }
      return rails
    })
  }

  setPrices(of: Operation, rail: string, today: DayOfPrices, oldest: number): void {
    const { vendor, operation } = of
    const rails = this.prices(of)
    const before = rails.get(rail) ?? []
    const kept = before.filter(({ day }) => day !== today.day && day >= oldest)
    this.#prices.set(nameOf(vendor, operation), new Map([...rails, [rail, [...kept, today]]]))
    this.sql.run(
      `INSERT INTO prices VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (vendor, operation, rail, day) DO UPDATE SET body = excluded.body`,
      vendor,
      operation,
      rail,
      today.day,
      today.prices.join(),
    )
    if (before.every(({ day }) => day >= oldest)) return
    const sql = 'DELETE FROM prices WHERE vendor = ? AND operation = ? AND rail = ? AND day < ?'
    this.sql.run(sql, vendor, operation, rail, oldest)
  }

  advertised({ vendor, operation }: Operation): Units | undefined {
    return this.#advertised.of(nameOf(vendor, operation), () => {
      const sql = 'SELECT units FROM advertised WHERE vendor = ? AND operation = ?'
      const row = this.sql.get(sql, vendor, operation)
      return row === undefined ? undefined : BigInt(textOf(row, 'units'))
    })
  }

  setAdvertised({ vendor, operation }: Operation, units: Units): void {
    this.#advertised.set(nameOf(vendor, operation), units)
    this.sql.run('INSERT OR REPLACE INTO advertised VALUES (?, ?, ?)', vendor, operation, units.toString())
  }

  grants(): readonly Grant[] {
    this.#grants ??= this.sql.all('SELECT body FROM grants ORDER BY id').map((row) => decodeAs(row, isGrant))
    return this.#grants
  }

  setGrant(grant: Grant): void {
    this.#grants = undefined
    this.sql.run('INSERT OR REPLACE INTO grants VALUES (?, ?)', grant.id, encode(grant))
  }

  dropGrant(id: string): Grant | undefined {
    const row = this.sql.get('SELECT body FROM grants WHERE id = ?', id)
    if (row === undefined) return undefined
    this.#grants = undefined
    this.sql.run('DELETE FROM grants WHERE id = ?', id)
    return decodeAs(row, isGrant)
  }

  knows(agent: string, vendor: string): boolean {
    const sql = 'SELECT 1 FROM known WHERE agent = ? AND vendor = ?'
    return this.#known.of(nameOf(agent, vendor), () => this.sql.get(sql, agent, vendor) !== undefined)
  }

  know(agent: string, vendor: string): void {
    this.#known.set(nameOf(agent, vendor), true)
    this.sql.run('INSERT OR IGNORE INTO known VALUES (?, ?)', agent, vendor)
  }

  denials(agent: string, { vendor, operation }: Operation, now: Instant): readonly string[] {
    const standing = this.#denials.of(nameOf(agent, vendor, operation), () => {
      const sql =
        'SELECT terms, until FROM denials WHERE agent = ? AND vendor = ? AND operation = ? AND until > ?'
      const rows = this.sql.all(sql, agent, vendor, operation, now)
      return new Map(rows.map((row) => [textOf(row, 'terms'), numberOf(row, 'until')]))
    })
    if (standing.size === 0) return []
    return [...standing].flatMap(([terms, until]) => (until > now ? [terms] : []))
  }

  addDenial(agent: string, { vendor, operation }: Operation, terms: string, until: Instant): void {
    this.#denials.drop(nameOf(agent, vendor, operation))
    this.sql.run(
      'INSERT OR REPLACE INTO denials VALUES (?, ?, ?, ?, ?)',
      agent,
      vendor,
      operation,
      terms,
      until,
    )
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
  return hasTexts(value, ['id', 'agent', 'vendor', 'rail', 'by'])
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === 'string')
  )
}
