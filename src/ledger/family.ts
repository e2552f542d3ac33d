import type { CounterClaim, Dimension } from '../policy/index.js'
import type { Counter } from './counts.js'

/** Every counter of one budget has the same text here, whatever its values: what, window, policy, and by what. */
export function familyOf({ counts, window, scope }: Pick<Counter, 'counts' | 'window' | 'scope'>): string {
  return JSON.stringify([counts, window, scope.policy, Object.keys(scope).sort()])
}

/** The family of a claim's counters once the dimension is among what they are kept by. */
export function familyWith({ counts, window, scope }: CounterClaim, dimension: Dimension): string {
  return familyOf({ counts, window, scope: { ...scope, [dimension]: '' } })
}

/** Is this counter the claim's, for some value of the dimension? */
export function sameFamily(counter: Counter, claim: CounterClaim, dimension: Dimension): boolean {
  if (familyOf(counter) !== familyWith(claim, dimension)) return false
  const { [dimension]: _, ...rest } = claim.scope
  return Object.entries(rest).every(([name, value]) =>
    Object.entries(counter.scope).some(([n, v]) => n === name && v === value),
  )
}
