import type { Instant } from '../money/index.js'
import type { CounterClaim, Dimensions, Scope } from '../policy/index.js'
import { counterKey, inScope } from '../policy/index.js'
import {
  amountIn,
  type Counter,
  changes,
  counterOf,
  keyOf,
  traitsNeeded,
  traitsOf,
  type Weight,
  weights,
} from './counts.js'
import type { Room } from './port.js'
import type { Charge, Counted, Row } from './row.js'
import { sameScope, sameShape, scopesOf, shapeOf } from './shapes.js'
import type { Shelf } from './shelf.js'

/** Makes sure that the counter of a claim exists: one never seen before is filled from the stored payments. */
export function ensureCounter(shelf: Shelf, claim: CounterClaim): void {
  if (shelf.hasCounter(keyOf(claim))) return
  const counter = counterOf(claim)
  const buckets = mayHold(shelf, counter) ? fromPayments(shelf, counter) : new Map<Instant, Weight>()
  const filled = shelf.meta().filled + 1
  if (buckets.size > 0) shelf.setMeta({ filled })
  shelf.addCounter(buckets.size > 0 ? { ...counter, filled } : counter)
  const shape = shapeOf(counter)
  if (!shelf.shapes().some((known) => sameShape(known, shape))) shelf.addShape(shape)
  for (const weight of buckets.values()) shelf.addTo(counter.key, weight.at, weight)
}

function fromPayments(shelf: Shelf, counter: Counter): ReadonlyMap<Instant, Weight> {
  const buckets = new Map<Instant, Weight>()
  for (const row of shelf.candidates(counter)) {
    const weight = weights(row, [counter]).get(counter.key)
    if (weight === undefined) continue
    const { at, held, spent } = weight
    const sum = buckets.get(at) ?? { at, held: 0n, spent: 0n }
    buckets.set(at, { at, held: sum.held + held, spent: sum.spent + spent })
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
  if (pattern === undefined) return true
  for (const vendor of shelf.vendors(policy)) {
    const stub: Dimensions = { policy, agent: '', tasks: [], vendor, payees: {}, network: '' }
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
  const was = before === undefined ? new Map<string, Weight>() : weightsOf(shelf, before)
  for (const { key, at, held, spent } of changes(was, weightsOf(shelf, after)))
    shelf.addTo(key, at, { held, spent })
  shelf.save(after)
}

/** What a claim's counter holds now. `own` is taken out of it. */
export function roomOf(shelf: Shelf, claim: CounterClaim, own?: Weight): Room {
  const { held, spent } = shelf.sum(keyOf(claim), claim.from)
  const mine = own !== undefined && own.at >= claim.from ? own : { held: 0n, spent: 0n }
  const left = claim.limit - (held - mine.held) - (spent - mine.spent)
  return { claim, spent: spent - mine.spent, held: held - mine.held, remaining: left > 0n ? left : 0n }
}

/** Every claim of a row's last charge that does not fit, were it to be saved in place of `before`. */
export function shortOf(
  shelf: Shelf,
  before: Row | undefined,
  after: Row,
  claims: readonly CounterClaim[],
): readonly Room[] {
  const was = before === undefined ? undefined : weightsOf(shelf, before)
  const is = weightsOf(shelf, after)
  return claims.flatMap((claim) => {
    const key = keyOf(claim)
    const need = is.get(key)
    const { held, spent } = shelf.sum(key, claim.from)
    const own = was?.get(key)
    const mine = own !== undefined && own.at >= claim.from ? own.held + own.spent : 0n
    const asked = (need?.held ?? claim.amount) + (need?.spent ?? 0n)
    return held + spent - mine + asked > claim.limit ? [roomOf(shelf, claim, own)] : []
  })
}
