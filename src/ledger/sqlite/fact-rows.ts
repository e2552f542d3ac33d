import type { Instant, Units } from '../../money/index.js'
import type { Grant } from '../../policy/index.js'
import type { Pin } from '../pins.js'
import type { PaymentId } from '../port.js'
import type { DayOfPrices } from '../prices.js'
import type { Operation } from '../shelf.js'
import { damaged, decode, encode, type Fields, numberOf, optionalText, textOf } from './codec.js'
import type { Sql } from './sql.js'

/** Owners, lanes, and what policy judges by. */
export class FactRows {
  protected readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
  }

  owner(name: string): Instant | undefined {
    const row = this.sql.get('SELECT until FROM owners WHERE name = ?', name)
    return row === undefined ? undefined : numberOf(row, 'until')
  }

  setOwner(name: string, until: Instant | undefined): void {
    if (until === undefined) this.sql.run('DELETE FROM owners WHERE name = ?', name)
    else
      this.sql.run(
        'INSERT INTO owners VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET until = excluded.until',
        name,
        until,
      )
  }

  lane(name: string): { readonly value: bigint; readonly payment?: PaymentId } | undefined {
    const row = this.sql.get('SELECT value, payment FROM lanes WHERE name = ?', name)
    if (row === undefined) return undefined
    const value = BigInt(textOf(row, 'value'))
    const payment = optionalText(row, 'payment')
    return payment === undefined ? { value } : { value, payment }
  }

  setLane(name: string, value: bigint, payment: PaymentId | undefined): void {
    this.sql.run(
      `INSERT INTO lanes VALUES (?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value, payment = excluded.payment`,
      name,
      value.toString(),
      payment ?? null,
    )
  }

  version(names: readonly string[]): number {
    const marks = names.map(() => '?').join(', ')
    const sql = `SELECT coalesce(sum(n), 0) AS n FROM versions WHERE name IN (${marks})`
    const row = this.sql.get(sql, ...names)
    return row === undefined ? 0 : numberOf(row, 'n')
  }

  bump(name: string): void {
    this.sql.run('INSERT INTO versions VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1', name)
  }

  pins(vendor: string): readonly Pin[] {
    const row = this.sql.get('SELECT body FROM pins WHERE vendor = ?', vendor)
    return row === undefined ? [] : decodeAs(row, isPins)
  }

  setPins(vendor: string, pins: readonly Pin[]): void {
    this.sql.run(
      'INSERT INTO pins VALUES (?, ?) ON CONFLICT (vendor) DO UPDATE SET body = excluded.body',
      vendor,
      encode(pins),
    )
  }

  prices({ vendor, operation }: Operation): ReadonlyMap<string, readonly DayOfPrices[]> {
    const rails = new Map<string, DayOfPrices[]>()
    const sql = 'SELECT rail, day, body FROM prices WHERE vendor = ? AND operation = ?'
    for (const row of this.sql.all(sql, vendor, operation)) {
      const rail = textOf(row, 'rail')
      const days = rails.get(rail) ?? []
      days.push({ day: numberOf(row, 'day'), prices: decodeAs(row, isUnits) })
      rails.set(rail, days)
    }
    return rails
  }

  setPrices(
    { vendor, operation }: Operation,
    rail: string,
    { day, prices }: DayOfPrices,
    oldest: number,
  ): void {
    this.sql.run(
      `INSERT INTO prices VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (vendor, operation, rail, day) DO UPDATE SET body = excluded.body`,
      vendor,
      operation,
      rail,
      day,
      encode(prices),
    )
    this.sql.run(
      'DELETE FROM prices WHERE vendor = ? AND operation = ? AND rail = ? AND day < ?',
      vendor,
      operation,
      rail,
      oldest,
    )
  }

  advertised({ vendor, operation }: Operation): Units | undefined {
    const sql = 'SELECT units FROM advertised WHERE vendor = ? AND operation = ?'
    const row = this.sql.get(sql, vendor, operation)
    return row === undefined ? undefined : BigInt(textOf(row, 'units'))
  }

  setAdvertised({ vendor, operation }: Operation, units: Units): void {
    this.sql.run('INSERT OR REPLACE INTO advertised VALUES (?, ?, ?)', vendor, operation, units.toString())
  }

  grants(): readonly Grant[] {
    return this.sql.all('SELECT body FROM grants ORDER BY id').map((row) => decodeAs(row, isGrant))
  }

  setGrant(grant: Grant): void {
    this.sql.run('INSERT OR REPLACE INTO grants VALUES (?, ?)', grant.id, encode(grant))
  }

  dropGrant(id: string): Grant | undefined {
    const row = this.sql.get('SELECT body FROM grants WHERE id = ?', id)
    if (row === undefined) return undefined
    this.sql.run('DELETE FROM grants WHERE id = ?', id)
    return decodeAs(row, isGrant)
  }

  knows(agent: string, vendor: string): boolean {
    return this.sql.get('SELECT 1 FROM known WHERE agent = ? AND vendor = ?', agent, vendor) !== undefined
  }

  know(agent: string, vendor: string): void {
    this.sql.run('INSERT OR IGNORE INTO known VALUES (?, ?)', agent, vendor)
  }

  denials(agent: string, { vendor, operation }: Operation, now: Instant): readonly string[] {
    const sql = 'SELECT terms FROM denials WHERE agent = ? AND vendor = ? AND operation = ? AND until > ?'
    return this.sql.all(sql, agent, vendor, operation, now).map((row) => textOf(row, 'terms'))
  }

  addDenial(agent: string, { vendor, operation }: Operation, terms: string, until: Instant): void {
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

function isUnits(value: unknown): value is readonly Units[] {
  return Array.isArray(value) && value.every((price: unknown) => typeof price === 'bigint')
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
