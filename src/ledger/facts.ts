import type { Instant } from '../money/index.js'
import { type Facts, railOf } from '../policy/index.js'
import { own } from '../util/objects.js'
import { compositeKey } from './composite-key.js'
import { makeRoomForPrice, priceKeyOf, priceVersion } from './operation-groups.js'
import type { PaymentRow } from './payment-row.js'
import { isLive } from './payment-view.js'
import { type Pin, pinsAfterDelivery, pinsByRail, pinsToAdd, samePins } from './pins.js'
import type { FactsQuery, Move, PinnedPayee, PinQuery } from './port.js'
import { dayOf, MEMORY_DAYS, usualPrice, withPrice } from './prices.js'
import { earlierPurchaseFact } from './purchases.js'
import type { LedgerTables } from './tables.js'

/** The names whose versions change when a value in these facts changes. */
export const versions = {
  vendor: (vendor: string) => compositeKey('vendor', vendor),
  operation: priceVersion,
  agent: (agent: string, vendor: string) => compositeKey('agent', agent, vendor),
}

export function versionOf(tables: LedgerTables, { vendor, operation, agent, unit }: FactsQuery): number {
  const of = { vendor, operation, unit }
  const priced = priceKeyOf(tables, of)
  const own = [versions.vendor(vendor), versions.operation(of), versions.agent(agent, vendor)]
  return tables.version(priced === of ? own : [...own, versions.operation(priced)])
}

/** Reads the facts that policy uses. */
export function readFacts(tables: LedgerTables, query: FactsQuery, now: Instant): Facts {
  const { vendor, operation, agent, unit, purchase } = query
  const of = { vendor, operation, unit }
  const denials = tables.denials(agent, vendor, now)
  const usual = [...tables.prices(priceKeyOf(tables, of))].flatMap(([rail, days]) => {
    const price = usualPrice(days, now)
    return price === undefined ? [] : [[rail, price] as const]
  })
  const advertised = tables.advertised(of)
  const bought = earlierPurchaseFact(tables, agent, purchase, now)
  return own({
    now,
    version: versionOf(tables, query),
    pins: pinsByRail(standingPins(tables, vendor, now)),
    usual: Object.fromEntries(usual),
    ...(advertised === undefined ? {} : { advertised }),
    grants: tables.grants(agent, vendor).filter(({ until }) => until > now),
    knownVendor: tables.isKnownVendor(agent, vendor),
    denied: denials.filter((denial) => denial.operation === operation).map(({ terms }) => terms),
    denials: denials.length,
    ...(bought === undefined ? {} : { bought }),
  })
}

/**
 * Returns the payees that a vendor is restricted to now. These are the payees of payments that were settled and
 * delivered, and of payments that a process works on. A doubt restricts no vendor to its payee.
 */
function standingPins(tables: LedgerTables, vendor: string, now: Instant): readonly Pin[] {
  return tables.pins(vendor).filter(({ payment }) => {
    const row = payment === undefined ? undefined : tables.payment(payment)
    return payment === undefined || (row !== undefined && isLive(tables, row, now))
  })
}

/** Returns every pinned payee that matches the query and is valid now. */
export function readPins(tables: LedgerTables, query: PinQuery, now: Instant): readonly PinnedPayee[] {
  const vendors = query.vendor === undefined ? tables.pinnedVendors() : [query.vendor]
  return vendors.flatMap((vendor) =>
    standingPins(tables, vendor, now)
      .filter((pin) => isNamed(pin, query))
      .map(({ rail, payee, payment }) =>
        Object.freeze({ vendor, rail, payee, ...(payment === undefined ? {} : { payment }) }),
      ),
  )
}

/** Removes the pins that match the query. Returns the number of removed payees. */
export function dropPins(tables: LedgerTables, query: PinQuery & { readonly vendor: string }): number {
  const before = tables.pins(query.vendor)
  const dropped = before.filter((pin) => isNamed(pin, query))
  if (dropped.length > 0)
    changePins(
      tables,
      query.vendor,
      before,
      before.filter((pin) => !dropped.includes(pin)),
    )
  return new Set(dropped.map(({ rail, payee }) => `${rail}\n${payee}`)).size
}

function isNamed(pin: Pin, { rail, payee }: PinQuery): boolean {
  return (rail === undefined || pin.rail === rail) && (payee === undefined || pin.payee === payee)
}

/**
 * Returns whether the remembered approval of a decision is still valid. An approval that expires changes no version, so
 * this is a separate check.
 */
export function grantStands(
  tables: LedgerTables,
  {
    agent,
    vendor,
    grant,
  }: { readonly agent: string; readonly vendor: string; readonly grant?: string | undefined },
  now: Instant,
): boolean {
  return (
    grant === undefined || tables.grants(agent, vendor).some(({ id, until }) => id === grant && until > now)
  )
}

/**
 * Returns whether the approval is still granted. If it was revoked while the wallet signed, it covers nothing, and the
 * signed credential is not sent.
 */
export function stillGranted(
  tables: LedgerTables,
  { charges, context, resource }: PaymentRow,
  now: Instant,
): boolean {
  const grant = charges.at(-1)?.dimensions.grant
  return grantStands(tables, { agent: context.agent, vendor: resource.vendor, grant }, now)
}

/** Pins the payees of a commit provisionally. Returns false if another payee is pinned there. */
export function pinAtCommit(
  tables: LedgerTables,
  row: PaymentRow,
  move: Extract<Move, { to: 'committed' }>,
  now: Instant,
): boolean {
  if (!move.pin) return true
  const { vendor } = row.resource
  const { terms } = move.attempt
  const before = standingPins(tables, vendor, now)
  const added = pinsToAdd(
    before,
    railOf(terms),
    terms.payees.map(({ id }) => id),
    row.id,
    move.widenPin,
  )
  if (added === undefined) return false
  if (added.length > 0) changePins(tables, vendor, before, [...before, ...added])
  return true
}

/** Records the facts of a payment that has ended: its payees, its price, and that the vendor delivers. */
export function learnFrom(tables: LedgerTables, before: PaymentRow, after: PaymentRow, now: Instant): void {
  const done = (row: PaymentRow): boolean => row.state === 'settled' && row.delivered
  if (done(after) && !done(before)) {
    confirmPins(tables, after)
    samplePrice(tables, after, now)
    const { agent } = after.context
    const { vendor } = after.resource
    if (tables.isKnownVendor(agent, vendor)) return
    tables.addKnownVendor(agent, vendor)
    tables.bump(versions.agent(agent, vendor))
  }
  if (after.state === 'released' && before.state !== 'released' && after.pinned) {
    const { vendor } = after.resource
    const pins = tables.pins(vendor)
    const kept = pins.filter((pin) => pin.payment !== after.id)
    if (kept.length < pins.length) changePins(tables, vendor, pins, kept)
  }
}

/**
 * Confirms the pins of a payment from the row itself. A pin from its commit may have been removed while the payment was
 * in doubt.
 */
function confirmPins(tables: LedgerTables, row: PaymentRow): void {
  if (!row.pinned) return
  const { vendor } = row.resource
  const before = tables.pins(vendor)
  const paid = row.attempts
    .filter((attempt) => attempt.void === undefined)
    .flatMap(({ terms }) => terms.payees)
  const payees = [...new Set(paid.map(({ id }) => id))]
  const of = { payment: row.id, widened: row.widened === true }
  const after = pinsAfterDelivery(before, railOf(row.terms), payees, of)
  if (after.length !== before.length || after.some((pin, index) => pin !== before[index]))
    changePins(tables, vendor, before, after)
}

function changePins(
  tables: LedgerTables,
  vendor: string,
  before: readonly Pin[],
  after: readonly Pin[],
): void {
  tables.setPins(vendor, after)
  if (!samePins(before, after)) tables.bump(versions.vendor(vendor))
}

function samplePrice(tables: LedgerTables, row: PaymentRow, now: Instant): void {
  const charge = row.charges.at(-1)
  if (charge === undefined) return
  const own = { vendor: row.resource.vendor, operation: row.pattern, unit: charge.dimensions.unit }
  const priced = priceKeyOf(tables, own)
  const of = priced === own ? makeRoomForPrice(tables, own, now) : priced
  const rail = railOf(row.terms)
  const days = tables.prices(of).get(rail) ?? []
  const day = dayOf(now)
  const today = days.find((known) => known.day === day)?.prices ?? []
  const prices = withPrice(today, charge.price)
  if (prices === undefined) return
  const after = [...days.filter((known) => known.day !== day), { day, prices }]
  tables.setPrices(of, rail, { day, prices }, day - MEMORY_DAYS)
  if (usualPrice(days, now) !== usualPrice(after, now)) tables.bump(versions.operation(of))
}
