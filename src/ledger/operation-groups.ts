import type { Instant } from '../money/index.js'
import { compositeKey } from './composite-key.js'
import { type DayOfPrices, mergedDays, usualPrice } from './prices.js'
import type { LedgerTables, PriceKey } from './tables.js'

/** Stands for a segment of a path that has a new value each time. A URL would spell it `%7Bany%7D`. */
const ANY = '{any}'
/** So many paths that differ in one segment, each without a usual price of its own, are one operation. */
export const MIN_GROUP = 12
/** How many groups of such paths a vendor may have. */
const MOST_FOLDS = 64
/** How many operations of a vendor prices are kept for; the one that was bought first goes first. */
export const MOST_OPERATIONS = 256
/** A path of more segments is compared by its last ones. */
const MOST_SEGMENTS = 12

/** What moves when the prices do that are read for an operation. */
export const priceVersion = ({ vendor, operation, unit }: PriceKey): string =>
  compositeKey('operation', vendor, operation, unit)

/**
 * Where the prices of an operation are: under its own name, or, if it has a slug like `/articles/how-to-pay`, under one
 * name with all that differ from it in that segment.
 */
export function priceKeyOf(tables: LedgerTables, of: PriceKey): PriceKey {
  const folds = tables.operationGroups(of.vendor, of.unit)
  if (folds.length === 0 || tables.prices(of).size > 0) return of
  const segments = of.operation.split('/')
  const operation = folds.find((fold) => isFold(fold, segments))
  return operation === undefined ? of : { ...of, operation }
}

/**
 * Makes room for the first price of an operation. If many were bought that differ from it in one segment, and none of them
 * often enough to have a usual price, their prices are put together, so that slugs have a usual price too.
 *
 * @returns Where its price belongs.
 */
export function makeRoomForPrice(tables: LedgerTables, of: PriceKey, now: Instant): PriceKey {
  if (tables.prices(of).size > 0) return of
  const known = tables.operations(of.vendor, of.unit)
  const fold = foldFor(tables, of, known, now)
  if (fold !== undefined) {
    putTogether(tables, fold)
    return { ...of, operation: fold.operation }
  }
  const [oldest] = known
  if (oldest !== undefined && known.length >= MOST_OPERATIONS)
    forget(tables, { ...of, operation: oldest }, now)
  return of
}

function forget(tables: LedgerTables, of: PriceKey, now: Instant): void {
  const usual = hasUsual(tables, of, now)
  tables.dropPrices(of)
  if (usual) tables.bump(priceVersion(of))
}

interface Fold extends PriceKey {
  readonly folded: readonly PriceKey[]
}

function foldFor(
  tables: LedgerTables,
  of: PriceKey,
  known: readonly string[],
  now: Instant,
): Fold | undefined {
  let best: Fold | undefined
  if (tables.operationGroups(of.vendor, of.unit).length >= MOST_FOLDS) return undefined
  for (const operation of templatesOf(of.operation)) {
    const folded = known
      .filter((one) => one !== operation && isFold(operation, one.split('/')))
      .map((one) => ({ ...of, operation: one }))
      .filter((one) => !hasUsual(tables, one, now))
    if (folded.length + 1 >= MIN_GROUP && folded.length > (best?.folded.length ?? 0))
      best = { ...of, operation, folded }
  }
  return best
}

function hasUsual(tables: LedgerTables, of: PriceKey, now: Instant): boolean {
  return [...tables.prices(of).values()].some((days) => usualPrice(days, now) !== undefined)
}

function putTogether(tables: LedgerTables, { folded, ...of }: Fold): void {
  const rails = new Map<string, readonly DayOfPrices[]>(tables.prices(of))
  for (const one of folded) {
    for (const [rail, days] of tables.prices(one)) rails.set(rail, mergedDays(rails.get(rail) ?? [], days))
    tables.dropPrices(one)
  }
  for (const [rail, days] of rails) for (const day of days) tables.setPrices(of, rail, day, 0)
  tables.addOperationGroup(of)
  // Whoever has judged by the prices of one of them judges again.
  tables.bump(compositeKey('vendor', of.vendor))
}

/** The operation with each of its segments open in turn; ids are open already. */
function templatesOf(operation: string): readonly string[] {
  const [method = '', ...segments] = operation.split('/')
  if (!/^[A-Z]+ $/.test(method)) return []
  const from = Math.max(0, segments.length - MOST_SEGMENTS)
  return segments.flatMap((segment, index) =>
    index < from || segment === '' || segment === '*' || segment === ANY
      ? []
      : [[method, ...segments.with(index, ANY)].join('/')],
  )
}

function isFold(fold: string, segments: readonly string[]): boolean {
  const wanted = fold.split('/')
  return (
    wanted.length === segments.length &&
    wanted.every((want, index) => want === segments[index] || (want === ANY && segments[index] !== ''))
  )
}
