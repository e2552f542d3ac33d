import type { CounterClaim, Dimension } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { Counter } from './counts.js'

/**
 * Returns a text that is the same for every counter of one budget: what it counts, its window, its policy and its
 * dimensions, without their values.
 */
export function familyOf({ counts, window, scope }: Counter): string {
  return JSON.stringify([counts, window, scope.policy, Object.keys(scope).sort()])
}

/** Returns a claim on a counter of the family that also has this dimension. */
export function claimBy(claim: CounterClaim, dimension: Dimension): CounterClaim {
  return { ...claim, scope: { ...claim.scope, [dimension]: 'any' } }
}

/** Returns whether this counter belongs to the claim, for some value of the dimension. */
export function sameFamily(counter: Counter, claim: CounterClaim, dimension: Dimension): boolean {
  if (familyOf(counter) !== familyOf(claimBy(claim, dimension))) return false
  const { [dimension]: _, ...rest } = claim.scope
  return Object.entries(rest).every(([name, value]) =>
    Object.entries(counter.scope).some(([n, v]) => n === name && v === value),
  )
}

/** Returns the claim on each of these counters. */
export function claimsOn(claim: CounterClaim, counters: readonly Counter[]): readonly CounterClaim[] {
  return counters.map(({ scope }) => own({ ...claim, scope: own({ ...claim.scope, ...scope }) }))
}
