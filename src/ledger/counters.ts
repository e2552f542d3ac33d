import type { Instant } from '../money/index.js'
import type { CounterClaim, Dimensions, Scope } from '../policy/index.js'
import { counterKey, inScope } from '../policy/index.js'
import {
  amountIn,
  type Counter,
  changes,
  counterOf,
  countsAlike,
  keyOf,
  total,
  traitsNeeded,
  traitsOf,
  type Weight,
  weights,
} from './counts.js'
import { gapOn } from './gaps.js'
import type { Room } from './port.js'
import type { Charge, Counted, Row } from './row.js'
import { sameScope, sameShape, scopesOf, shapeOf } from './shapes.js'
import type { Shelf } from './shelf.js'

/** Makes sure that the counter of a claim exists: one never seen before is filled from the stored payments. */
export function ensureCounter(shelf: Shelf, claim: CounterClaim): void {
  if (shelf.hasCounter(keyOf(claim))) return
  const counter = counterOf(claim)
  const buckets = mayHold(shelf, counter) ? fromPayments(shelf, counter) : new Map<Instant, bigint>()
  const filled = shelf.meta().filled + 1
  if (buckets.size > 0) shelf.setMeta({ filled })
  shelf.addCounter(buckets.size > 0 ? { ...counter, filled } : counter)
  const shape = shapeOf(counter)
  if (!shelf.shapes().some((known) => sameShape(known, shape))) shelf.addShape(shape)
  for (const [at, sum] of buckets) shelf.addTo(counter.key, at, sum)
}

function fromPayments(shelf: Shelf, counter: Counter): ReadonlyMap<Instant, bigint> {
  const buckets = new Map<Instant, bigint>()
  for (const row of shelf.candidates(counter)) {
    const weight = weights(row, [counter]).get(counter.key)
    if (weight !== undefined) buckets.set(weight.at, (buckets.get(weight.at) ?? 0n) + total(weight))
  }
  return buckets
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
      const key = counterKey({ counts, window, scope })
      if (!shelf.hasCounter(key)) continue
      const amount = amountIn(counts, scope, charge)
      // A payment's own moment lies in every window that it lies in: no calendar is needed here.
      const at = window === 'ever' ? 0 : charge.at
      if (amount !== 0n) found.push({ key, counts, payee: scope.payee !== undefined, at, amount })
    }
  }
  return found
}

/** Is that the claim's counter? The same as comparing their keys, without making them: every hold asks. */
function isOn(claim: CounterClaim, counts: CounterClaim['counts'], window: string, scope: Scope): boolean {
  return claim.counts === counts && claim.window === window && sameScope(claim.scope, scope)
}

/** Could any stored payment be in this scope? Answered from names alone: new tasks and vendors cost no search. */
function mayHold(shelf: Shelf, { scope }: Counter): boolean {
  if (!traitsNeeded(scope).every((name) => shelf.hasTrait(name))) return false
  const { policy, vendor: pattern } = scope
  if (pattern === undefined || policy === undefined) return true
  for (const vendor of shelf.vendors(policy)) {
    const stub: Dimensions = { policy, agent: '', tasks: [], vendor, payees: {}, network: '', unit: '' }
    if (inScope({ policy, vendor: pattern }, stub)) return true
  }
  return false
}

/** Remembers what a payment is, so that later counters know whether to look for any. */
export function remember(shelf: Shelf, dimensions: Dimensions): void {
  for (const name of traitsOf(dimensions)) if (!shelf.hasTrait(name)) shelf.addTrait(name)
  shelf.addVendor(dimensions.policy, dimensions.vendor)
}

/** What a row counts for now, in its own counters and those filled after it was made. */
export function weightsOf(shelf: Shelf, row: Row): Map<string, Weight> {
  const late = shelf.meta().filled > row.filled ? shelf.filledSince(row.filled) : []
  return weights(row, late)
}

/** Writes a row, and moves every counter by what it counts for more or less than before. */
export function saveCounted(shelf: Shelf, before: Row | undefined, after: Row): void {
  if (before === undefined || !countsAlike(before, after)) {
    const was = before === undefined ? NOTHING : weightsOf(shelf, before)
    for (const { key, at, change } of changes(was, weightsOf(shelf, after))) shelf.addTo(key, at, change)
  }
  shelf.save(after)
}

const NOTHING: ReadonlyMap<string, Weight> = new Map()

/** What the counter of a claim has left. `own` is taken out of it. */
function leftOf(shelf: Shelf, claim: CounterClaim, own: Weight | undefined): bigint {
  const forgotten = gapOn(shelf.meta().gaps, claim)
  return claim.limit - forgotten - shelf.sum(keyOf(claim), claim.from) + within(claim, own, total)
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

/**
 * What the counters of these claims hold now. A counter knows what counts, which is what decides; what of it is held,
 * and not spent, is told by the payments under way.
 */
export function roomsOf(shelf: Shelf, claims: readonly CounterClaim[]): readonly Room[] {
  const underWay = Array.from(shelf.underWay(), (row) => weightsOf(shelf, row))
  return claims.map((claim) => {
    const key = keyOf(claim)
    const counted = shelf.sum(key, claim.from) + gapOn(shelf.meta().gaps, claim)
    // A deposit is held until it comes back, settled or not: it is never spend.
    const held =
      claim.counts === 'lock'
        ? counted
        : underWay.reduce((sum, of) => sum + within(claim, of.get(key), (weight) => weight.held), 0n)
    return { claim, spent: counted - held, held, remaining: atLeastZero(claim.limit - counted) }
  })
}

/** Does the payment count on the counter of one of these claims, in the claim's window? Without claims, it does. */
export function countsOn(shelf: Shelf, row: Row, claims: readonly CounterClaim[] | undefined): boolean {
  if (claims === undefined) return true
  const counted = weightsOf(shelf, row)
  return claims.some((claim) => within(claim, counted.get(keyOf(claim)), total) > 0n)
}

/** A part of a weight, if it lies in the claim's window. */
function within(claim: CounterClaim, weight: Weight | undefined, part: (weight: Weight) => bigint): bigint {
  return weight !== undefined && weight.at >= claim.from ? part(weight) : 0n
}

function atLeastZero(units: bigint): bigint {
  return units > 0n ? units : 0n
}
