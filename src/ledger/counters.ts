import type { Instant } from '../money/index.js'
import type { CounterClaim, Dimensions, Scope } from '../policy/index.js'
import { counterKey } from '../policy/index.js'
import { own } from '../util/objects.js'
import { reachOf } from './clock-jumps.js'
import { amountIn, type Counts, changes, countsAlike, keyOf, total, type Weight, weights } from './counts.js'
import { gapOn } from './gaps.js'
import type { Charge, Counted, PaymentRow } from './payment-row.js'
import type { Room } from './port.js'
import { isFilled, type KnownShape, type Shape, sameScope, scopesOf, shapeFor, shapeOf } from './shapes.js'
import type { LedgerTables, StoredRow } from './tables.js'

/** The number of buckets in a rolling window. */
const BUCKETS = 60
const MINUTE_MS = 60_000

/**
 * Returns whether the counters of these claims are complete and can be read. Each payment counts on every counter whose
 * scope contains it.
 */
export function isCounted(tables: LedgerTables, claims: readonly CounterClaim[]): boolean {
  const shapes = tables.shapes()
  return claims.every((claim) => {
    const shape = shapeFor(shapes, claim)
    return shape !== undefined && isFilled(shape)
  })
}

/**
 * Starts to count for these claims. Returns false if earlier payments may be in their scope and are not counted yet.
 * {@link fillSome} counts those payments, a few at a time.
 */
export function beginCounting(tables: LedgerTables, claims: readonly CounterClaim[]): boolean {
  for (const claim of claims) if (shapeFor(tables.shapes(), claim) === undefined) addShape(tables, claim)
  return isCounted(tables, claims)
}

function addShape(tables: LedgerTables, claim: CounterClaim): void {
  const { from, at } = claim
  const shape = shapeOf(claim)
  const rolling = from === at ? {} : { width: (at - from) / BUCKETS }
  const until = mayCount(tables, shape) ? tables.last() : 0
  const number = tables.meta().filled + 1
  const fill =
    until === 0 ? {} : { fill: { number, from: reaching(tables, claim).from, at, through: 0, until } }
  if (until > 0) tables.setMeta({ filled: number })
  tables.addShape(own({ ...shape, ...rolling, ...fill }))
}

/** Returns whether any stored payment could count on a counter of that shape. It reads only names, not payments. */
function mayCount(tables: LedgerTables, { policy, by }: Shape): boolean {
  return (
    (policy === undefined || tables.hasTrait(policyTrait(policy))) &&
    (!by.includes('grant') || tables.hasTrait(GRANT_TRAIT))
  )
}

/**
 * Stores the names of a payment's dimensions. Shapes that are added later use them to find out whether earlier payments
 * must be counted.
 */
export function remember(tables: LedgerTables, { policy, grant }: Dimensions): void {
  const names = grant === undefined ? [policyTrait(policy)] : [policyTrait(policy), GRANT_TRAIT]
  for (const name of names) if (!tables.hasTrait(name)) tables.addTrait(name)
}

const policyTrait = (policy: string): string => `policy ${policy}`
const GRANT_TRAIT = 'grant'

/**
 * Counts stored payments on shapes that were added after them, in the order of creation, until `goOn` returns false.
 * Returns true if all payments are counted. The same step stores its progress, so no payment is counted twice.
 */
export function fillSome(tables: LedgerTables, goOn: () => boolean): boolean {
  const open = tables.shapes().flatMap((shape) => (isFilled(shape) || !shape.fill ? [] : [shape.fill]))
  if (open.length === 0) return true
  const from = Math.min(...open.map((fill) => fill.from))
  const until = Math.max(...open.map((fill) => fill.until))
  let through = Math.min(...open.map((fill) => fill.through))
  do {
    const { rows, next = until } = tables.candidates({ from, until }, through)
    for (const placed of rows) countLate(tables, placed)
    through = next
  } while (through < until && goOn())
  for (const fill of open)
    tables.setThrough(fill.number, Math.max(fill.through, Math.min(through, fill.until)))
  return through >= until
}

/** Counts one stored payment on every shape whose fill has reached that payment. */
function countLate(tables: LedgerTables, { place, row }: StoredRow): void {
  const passing = tables.shapes().filter(({ fill }) => fill && fill.through < place && place <= fill.until)
  const kept = tables.isHoldInBuckets(row.id)
  for (const { key, at, counted, held } of changes(weights(row, []), weights(row, passing)))
    tables.addCounts(key, at, { counted, held: kept ? held : 0n })
}

/**
 * Returns the counters whose scope contains a payment although the payment's policy does not name them. The policy of
 * another process, or an earlier or later version of this policy, may name them. Such a policy must find the payment
 * counted.
 */
export function unclaimed(
  tables: LedgerTables,
  claims: readonly CounterClaim[],
  charge: Omit<Charge, 'counted'>,
): readonly Counted[] {
  const found: Counted[] = []
  for (const shape of tables.shapes()) {
    const { counts, window } = shape
    for (const scope of scopesOf(shape, charge.dimensions)) {
      if (claims.some((claim) => isOn(claim, counts, window, scope))) continue
      const amount = amountIn(counts, scope, charge)
      if (amount === 0n) continue
      const key = counterKey({ counts, window, scope })
      found.push({ key, counts, payee: scope.payee !== undefined, at: bucketAt(shape, charge.at), amount })
    }
  }
  return found
}

/**
 * Returns whether a counter is the counter of a claim. It gives the same result as a comparison of their keys, but does
 * not build the keys, because every hold calls it.
 */
function isOn(claim: CounterClaim, counts: CounterClaim['counts'], window: string, scope: Scope): boolean {
  return claim.counts === counts && claim.window === window && sameScope(claim.scope, scope)
}

/**
 * Returns a bucket that is inside every window that contains the moment. Each window starts at the start of a bucket,
 * or at a whole minute.
 */
function bucketAt({ window, width = MINUTE_MS }: KnownShape, moment: Instant): Instant {
  return window === 'ever' ? 0 : Math.floor(moment / width) * width
}

/**
 * Returns what a row counts for now: on its own counters, and on counters that were added later and whose fill has
 * passed the row.
 */
export function weightsOf(
  tables: Pick<LedgerTables, 'meta' | 'shapes' | 'place'>,
  row: PaymentRow,
): Map<string, Weight> {
  if (tables.meta().filled <= row.filled) return weights(row, [])
  const late = tables
    .shapes()
    .filter(
      ({ fill }) =>
        fill &&
        fill.number > row.filled &&
        (fill.through >= fill.until || fill.through >= tables.place(row.id)),
    )
  return weights(row, late)
}

/** Writes a row, and changes every counter by the difference to the row before. */
export function saveCounted(tables: LedgerTables, before: PaymentRow | undefined, after: PaymentRow): void {
  if (before === undefined || !countsAlike(before, after)) {
    const was = before === undefined ? NOTHING : weightsOf(tables, before)
    const kept = tables.isHoldInBuckets(after.id)
    for (const { key, at, counted, held } of changes(was, weightsOf(tables, after)))
      tables.addCounts(key, at, { counted, held: kept ? held : 0n })
  }
  tables.save(after)
}

/** Counts a stored payment on empty counters. */
export function countAnew(tables: LedgerTables, row: PaymentRow): void {
  const kept = tables.isHoldInBuckets(row.id)
  for (const { key, at, counted, held } of changes(NOTHING, weightsOf(tables, row)))
    tables.addCounts(key, at, { counted, held: kept ? held : 0n })
}

const NOTHING: ReadonlyMap<string, Weight> = new Map()

/** Returns the remaining amount on the counter of a claim, without the weight `own`. */
function leftOf(tables: LedgerTables, claim: CounterClaim, own: Weight | undefined): bigint {
  const reached = reaching(tables, claim)
  const forgotten = gapOn(tables.meta().gaps, reached)
  const { counted } = tables.countsSince(keyOf(claim), reached.from)
  return claim.limit - forgotten - counted + weightWithin(reached, own, total)
}

/** Returns every claim of the row's last charge that would not fit if the row were saved in place of `before`. */
export function shortOf(
  tables: LedgerTables,
  before: PaymentRow | undefined,
  after: PaymentRow,
  claims: readonly CounterClaim[],
): readonly Pick<Room, 'claim' | 'remaining'>[] {
  const was = before === undefined ? NOTHING : weightsOf(tables, before)
  const is = weightsOf(tables, after)
  return claims.flatMap((claim) => {
    const key = keyOf(claim)
    const need = is.get(key)
    const asked = need === undefined ? claim.amount : total(need)
    const left = leftOf(tables, claim, was.get(key))
    return asked > left ? [{ claim, remaining: atLeastZero(left) }] : []
  })
}

/** Returns the current values of the counters of these claims. It adds the few payments whose hold is in no bucket. */
export function roomsOf(tables: LedgerTables, claims: readonly CounterClaim[]): readonly Room[] {
  const loose = Array.from(tables.holdsOutsideBuckets(), (row) => weightsOf(tables, row))
  return claims.map((claim) => {
    const key = keyOf(claim)
    const reached = reaching(tables, claim)
    const { counted, held } = tables.countsSince(key, reached.from)
    const others = loose.map((of) => weightWithin(reached, of.get(key), (weight) => weight.held))
    return roomOf(tables, claim, { counted, held: others.reduce((all, units) => all + units, held) })
  })
}

/** Returns the room on a claim's counter, if the counter has these sums in the claim's window. */
export function roomOf(tables: LedgerTables, claim: CounterClaim, sums: Counts): Room {
  const counted = sums.counted + gapOn(tables.meta().gaps, reaching(tables, claim))
  // // A deposit is held until it comes back, even after the payment has settled. It never becomes spending.
  const held = claim.counts === 'lock' ? counted : sums.held
  return { claim, spent: counted - held, held, remaining: atLeastZero(claim.limit - counted) }
}

/**
 * Returns whether the payment counts on the counter of one of these claims, in the claim's window. Returns true if
 * there are no claims.
 */
export function countsOn(
  tables: LedgerTables,
  row: PaymentRow,
  claims: readonly CounterClaim[] | undefined,
): boolean {
  if (claims === undefined) return true
  const counted = weightsOf(tables, row)
  return claims.some((claim) => weightWithin(reaching(tables, claim), counted.get(keyOf(claim)), total) > 0n)
}

/**
 * Returns the claim with the window that really counts. If only the wall clock opened the window, it reaches further
 * back.
 */
export function reaching(tables: Pick<LedgerTables, 'meta'>, claim: CounterClaim): CounterClaim {
  const { unseen } = tables.meta().clock
  return unseen.length === 0 ? claim : { ...claim, from: reachOf(claim, unseen) }
}

/** Returns the part of a weight that lies in the claim's window. */
function weightWithin(
  claim: CounterClaim,
  weight: Weight | undefined,
  part: (weight: Weight) => bigint,
): bigint {
  return weight !== undefined && weight.at >= claim.from ? part(weight) : 0n
}

function atLeastZero(units: bigint): bigint {
  return units > 0n ? units : 0n
}
