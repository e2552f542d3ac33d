import { count, type Units } from '../../money/index.js'
import { type Decision, type Terms, termsKey } from '../../policy/index.js'
import { likingOf } from '../../protocol/index.js'
import type { Quote } from '../../wallet/index.js'
import type { Env } from '../env.js'

/** The effects of decisions, best first. */
export const EFFECTS = { allow: 0, ask: 1, deny: 2 } as const

/** The cost of an offer, in the policy's unit. */
export interface Cost {
  /** The expected cost: the price, or its upper limit if it is not exact, and the usual fee. */
  readonly expected: Units
  /** The most that it can take or lock up: the price, the largest fee, and the deposit. */
  readonly atRisk: Units
}

/** Undefined if a part of the cost has no value in the unit. */
export function costOf({ most, fee, locks }: Terms, unit: string): Cost | undefined {
  const price = count(most, unit)
  const usual = fee === undefined ? 0n : count(fee.usual, unit)
  const bound = fee === undefined ? 0n : count(fee.bound, unit)
  const deposit = locks === undefined ? 0n : count(locks, unit)
  if (price === undefined || usual === undefined || bound === undefined || deposit === undefined)
    return undefined
  return { expected: price + usual, atRisk: price + bound + deposit }
}

/**
 * Sorts candidates, best first. Each rule decides only if all rules before it are equal:
 *
 * 1. policy: allowed, then an approval is needed, then denied;
 * 2. the user's preferences: the higher `q`, then the place in the list;
 * 3. the expected cost; a cost without a value in the unit comes last;
 * 4. the most that it can take or lock up;
 * 5. an exact price before an upper limit;
 * 6. the terms as text, the wallet, and the challenge's id, so that the server's order never decides.
 */
export function rank<T extends Judged>(candidates: readonly T[], env: Pick<Env, 'prefer' | 'policy'>): T[] {
  return candidates
    .map((candidate) => ({ candidate, key: keyOf(candidate, env) }))
    .sort((a, b) => compareKeys(a.key, b.key))
    .map(({ candidate }) => candidate)
}

/** A quote and the decision on it. */
interface Judged {
  readonly quote: Quote
  readonly decision: Pick<Decision, 'effect'>
}

type Key = readonly (number | bigint | string)[]

function keyOf({ quote, decision }: Judged, { prefer, policy }: Pick<Env, 'prefer' | 'policy'>): Key {
  const { terms, wallet, challenge } = quote
  const { q, place } = likingOf(prefer, terms.kind)
  const cost = costOf(terms, policy.unit)
  return [
    EFFECTS[decision.effect],
    -q,
    place,
    cost === undefined ? 1 : 0,
    cost?.expected ?? 0n,
    cost?.atRisk ?? 0n,
    terms.exact ? 0 : 1,
    termsKey(terms),
    wallet,
    challenge.id,
  ]
}

/** Compares two keys, which have values of the same types in every place. */
function compareKeys(a: Key, b: Key): number {
  for (const [index, one] of a.entries()) {
    const other = b[index]
    if (other !== undefined && one !== other) return one < other ? -1 : 1
  }
  return 0
}
