import { own } from '../errors/index.js'
import type { Instant } from '../money/index.js'
import type { CounterClaim, Dimensions, Scope } from '../policy/index.js'
import { counterKey } from '../policy/index.js'
import { reachOf } from './clocks.js'
import { amountIn, changes, countsAlike, keyOf, total, type Weight, weights } from './counts.js'
import { gapOn } from './gaps.js'
import type { Room } from './port.js'
import type { Charge, Counted, Row } from './row.js'
import { isFilled, type KnownShape, type Shape, sameScope, scopesOf, shapeFor, shapeOf } from './shapes.js'
import type { Placed, Shelf } from './shelf.js'

/** A rolling window is this many buckets. */
const BUCKETS = 60
const MINUTE_MS = 60_000

/** Can these claims' counters be asked? Each payment counts on them that is in their scope. */
export function isCounted(shelf: Shelf, claims: readonly CounterClaim[]): boolean {
  const shapes = shelf.shapes()
  return claims.every((claim) => {
    const shape = shapeFor(shapes, claim)
    return shape !== undefined && isFilled(shape)
  })
}

/**
 * Counts from now on what these claims ask for. False while there are earlier payments that may be in their scope and are
 * not counted yet: {@link fillSome} does that, a few at a time.
 */
export function beginCounting(shelf: Shelf, claims: readonly CounterClaim[]): boolean {
  for (const claim of claims) if (shapeFor(shelf.shapes(), claim) === undefined) addShape(shelf, claim)
  return isCounted(shelf, claims)
}

function addShape(shelf: Shelf, claim: CounterClaim): void {
  const { from, at } = claim
  const shape = shapeOf(claim)
  const rolling = from === at ? {} : { width: (at - from) / BUCKETS }
  const until = mayCount(shelf, shape) ? shelf.last() : 0
  const number = shelf.meta().filled + 1
  const reached = reaching(shelf, claim).from
  const fill = until === 0 ? {} : { fill: { number, from: reached, at, through: 0, until } }
  if (until > 0) shelf.setMeta({ filled: number })
  shelf.addShape(own({ ...shape, ...rolling, ...fill }))
}

/** Could any stored payment count on counters of that shape? Answered from names alone. */
function mayCount(shelf: Shelf, { policy, by }: Shape): boolean {
  return (
    (policy === undefined || shelf.hasTrait(policyTrait(policy))) &&
    (!by.includes('grant') || shelf.hasTrait(GRANT_TRAIT))
  )
}

/** Remembers what a payment is, so that later shapes know whether to look for any. */
export function remember(shelf: Shelf, { policy, grant }: Dimensions): void {
  const names = grant === undefined ? [policyTrait(policy)] : [policyTrait(policy), GRANT_TRAIT]
  for (const name of names) if (!shelf.hasTrait(name)) shelf.addTrait(name)
}

const policyTrait = (policy: string): string => `policy ${policy}`
const GRANT_TRAIT = 'grant'

/**
 * Counts stored payments on shapes that were added after them, in the order they were made, for as long as `goOn` says.
 * True when all are counted. What it counted is written down in the same step, so that nothing is counted twice.
 */
export function fillSome(shelf: Shelf, goOn: () => boolean): boolean {
  const open = shelf.shapes().flatMap((shape) => (isFilled(shape) || !shape.fill ? [] : [shape.fill]))
  if (open.length === 0) return true
  const from = Math.min(...open.map((fill) => fill.from))
  const until = Math.max(...open.map((fill) => fill.until))
  let through = Math.min(...open.map((fill) => fill.through))
  do {
    const { rows, next = until } = shelf.candidates({ from, until }, through)
    for (const placed of rows) countLate(shelf, placed)
    through = next
  } while (through < until && goOn())
  for (const fill of open)
    shelf.setThrough(fill.number, Math.max(fill.through, Math.min(through, fill.until)))
  return through >= until
}

/** Counts one stored payment on every shape that is about to pass it. */
function countLate(shelf: Shelf, { place, row }: Placed): void {
  const passing = shelf.shapes().filter(({ fill }) => fill && fill.through < place && place <= fill.until)
  const kept = shelf.keepsHeld(row.id)
  for (const { key, at, counted, held } of changes(weights(row, []), weights(row, passing)))
    shelf.addTo(key, at, { counted, held: kept ? held : 0n })
}

/**
 * The counters that a payment is in the scope of without its policy naming them: another process's document does, or
 * yesterday's did, and will again tomorrow. Whoever asks then must find it counted.
 */
export function unclaimed(
  shelf: Shelf,
  claims: readonly CounterClaim[],
  charge: Omit<Charge, 'counted'>,
): readonly Counted[] {
  const found: Counted[] = []
  for (const shape of shelf.shapes()) {
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

/** Is that the claim's counter? The same as comparing their keys, without making them: every hold asks. */
function isOn(claim: CounterClaim, counts: CounterClaim['counts'], window: string, scope: Scope): boolean {
  return claim.counts === counts && claim.window === window && sameScope(claim.scope, scope)
}

/** A bucket that lies in every window that the moment lies in: each begins at a whole bucket, or at a whole minute. */
function bucketAt({ window, width = MINUTE_MS }: KnownShape, moment: Instant): Instant {
  return window === 'ever' ? 0 : Math.floor(moment / width) * width
}

/** What a row counts for now, in its own counters and those that were added after it was made and are past it. */
export function weightsOf(shelf: Pick<Shelf, 'meta' | 'shapes' | 'place'>, row: Row): Map<string, Weight> {
  if (shelf.meta().filled <= row.filled) return weights(row, [])
  const late = shelf
    .shapes()
    .filter(
      ({ fill }) =>
        fill &&
        fill.number > row.filled &&
        (fill.through >= fill.until || fill.through >= shelf.place(row.id)),
    )
  return weights(row, late)
}

/** Writes a row, and moves every counter by what it counts for more or less than before. */
export function saveCounted(shelf: Shelf, before: Row | undefined, after: Row): void {
  if (before === undefined || !countsAlike(before, after)) {
    const was = before === undefined ? NOTHING : weightsOf(shelf, before)
    const kept = shelf.keepsHeld(after.id)
    for (const { key, at, counted, held } of changes(was, weightsOf(shelf, after)))
      shelf.addTo(key, at, { counted, held: kept ? held : 0n })
  }
  shelf.save(after)
}

/** Counts a stored payment on counters that are empty. */
export function countAnew(shelf: Shelf, row: Row): void {
  const kept = shelf.keepsHeld(row.id)
  for (const { key, at, counted, held } of changes(NOTHING, weightsOf(shelf, row)))
    shelf.addTo(key, at, { counted, held: kept ? held : 0n })
}

const NOTHING: ReadonlyMap<string, Weight> = new Map()

/** What the counter of a claim has left. `own` is taken out of it. */
function leftOf(shelf: Shelf, claim: CounterClaim, own: Weight | undefined): bigint {
  const reached = reaching(shelf, claim)
  const forgotten = gapOn(shelf.meta().gaps, reached)
  const { counted } = shelf.sum(keyOf(claim), reached.from)
  return claim.limit - forgotten - counted + within(reached, own, total)
}

/** Every claim of a row's last charge that does not fit, were it to be saved in place of `before`. */
export function shortOf(
  shelf: Shelf,
  before: Row | undefined,
  after: Row,
  claims: readonly CounterClaim[],
): readonly Pick<Room, 'claim' | 'remaining'>[] {
  const was = before === undefined ? NOTHING : weightsOf(shelf, before)
  const is = weightsOf(shelf, after)
  return claims.flatMap((claim) => {
    const key = keyOf(claim)
    const need = is.get(key)
    const asked = need === undefined ? claim.amount : total(need)
    const left = leftOf(shelf, claim, was.get(key))
    return asked > left ? [{ claim, remaining: atLeastZero(left) }] : []
  })
}

/** What the counters of these claims hold now. The few payments whose hold is in no bucket are added. */
export function roomsOf(shelf: Shelf, claims: readonly CounterClaim[]): readonly Room[] {
  const loose = Array.from(shelf.looseHolds(), (row) => weightsOf(shelf, row))
  return claims.map((claim) => {
    const key = keyOf(claim)
    const reached = reaching(shelf, claim)
    const sum = shelf.sum(key, reached.from)
    const counted = sum.counted + gapOn(shelf.meta().gaps, reached)
    // A deposit is held until it comes back, settled or not: it is never spend.
    const held =
      claim.counts === 'lock'
        ? counted
        : loose.reduce((all, of) => all + within(reached, of.get(key), (weight) => weight.held), sum.held)
    return { claim, spent: counted - held, held, remaining: atLeastZero(claim.limit - counted) }
  })
}

/** Does the payment count on the counter of one of these claims, in the claim's window? Without claims, it does. */
export function countsOn(shelf: Shelf, row: Row, claims: readonly CounterClaim[] | undefined): boolean {
  if (claims === undefined) return true
  const counted = weightsOf(shelf, row)
  return claims.some((claim) => within(reaching(shelf, claim), counted.get(keyOf(claim)), total) > 0n)
}

/** The claim with its window as it counts: one that the clock alone opened reaches further back. */
function reaching(shelf: Pick<Shelf, 'meta'>, claim: CounterClaim): CounterClaim {
  const { unseen } = shelf.meta().clock
  return unseen.length === 0 ? claim : { ...claim, from: reachOf(claim, unseen) }
}

/** A part of a weight, if it lies in the claim's window. */
function within(claim: CounterClaim, weight: Weight | undefined, part: (weight: Weight) => bigint): bigint {
  return weight !== undefined && weight.at >= claim.from ? part(weight) : 0n
}

function atLeastZero(units: bigint): bigint {
  return units > 0n ? units : 0n
}
