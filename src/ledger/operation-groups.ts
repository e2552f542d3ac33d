import type { Instant } from '../money/index.js'
import { compositeKey } from './composite-key.js'
import { type DayOfPrices, mergedDays, usualPrice } from './prices.js'
import type { LedgerTables, PriceKey } from './tables.js'

/** Replaces a path segment that has a new value each time. In a URL, it would be `%7Bany%7D`. */
const ANY = '{any}'
/** This many paths become one operation if they differ in one segment and none of them has a usual price. */
export const MIN_GROUP = 12
/** The maximum number of groups of such paths for one vendor. */
const MOST_FOLDS = 64
/**
 * The maximum number of operations of a vendor with stored prices. The operation that was bought first is removed
 * first.
 */
export const MOST_OPERATIONS = 256
/** If a path has more segments, only its last ones are compared. */
const MOST_SEGMENTS = 12

/** Returns the name of the version that changes with the prices of an operation. */
export const priceVersion = ({ vendor, operation, unit }: PriceKey): string =>
  compositeKey('operation', vendor, operation, unit)

/**
 * Returns the key of an operation's prices. This is its own name. If it has a slug, like `/articles/how-to-pay`, it can
 * be a common name for all operations that differ from it in that segment.
 */
export function priceKeyOf(tables: LedgerTables, of: PriceKey): PriceKey {
  const folds = tables.operationGroups(of.vendor, of.unit)
  if (folds.length === 0 || tables.prices(of).size > 0) return of
  const segments = of.operation.split('/')
  const operation = folds.find((fold) => isFold(fold, segments))
  return operation === undefined ? of : { ...of, operation }
}

/**
 * Prepares the key for the first price of an operation. If many operations were bought that differ from it in one
 * segment, and none of them has a usual price, their prices are merged. So operations with slugs have a usual price
 * too.
 *
 * @returns The key under which its price is stored.
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
  // A decision that used the prices of one of these operations must be judged again.
  tables.bump(compositeKey('vendor', of.vendor))
}

/** Returns the operation with each of its segments replaced in turn. Ids are already replaced. */
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
