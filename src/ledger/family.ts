import type { CounterClaim, Dimension } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { Counter } from './counts.js'

/** Every counter of one budget has the same text here, whatever its values: what, window, policy, and by what. */
export function familyOf({ counts, window, scope }: Counter): string {
  return JSON.stringify([counts, window, scope.policy, Object.keys(scope).sort()])
}

/** A claim on some counter of the family that is kept by that dimension too. */
export function claimBy(claim: CounterClaim, dimension: Dimension): CounterClaim {
  return { ...claim, scope: { ...claim.scope, [dimension]: 'any' } }
}

/** Is this counter the claim's, for some value of the dimension? */
export function sameFamily(counter: Counter, claim: CounterClaim, dimension: Dimension): boolean {
  if (familyOf(counter) !== familyOf(claimBy(claim, dimension))) return false
  const { [dimension]: _, ...rest } = claim.scope
  return Object.entries(rest).every(([name, value]) =>
    Object.entries(counter.scope).some(([n, v]) => n === name && v === value),
  )
}

/** The claim on each of these counters. */
export function claimsOn(claim: CounterClaim, counters: readonly Counter[]): readonly CounterClaim[] {
  return counters.map(({ scope }) => own({ ...claim, scope: own({ ...claim.scope, ...scope }) }))
}
