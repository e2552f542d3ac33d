import type { Units } from '../../money/index.js'
import type { Candidate } from '../authorize/candidates.js'

/** A metered call takes no more than this part of a budget by itself. */
const PART = 10n

/**
 * What a metered call may come to in all, in the policy's unit, if its caller named no `maxAmount`: a tenth of the
 * tightest budget that it counts in, or what policy allows one payment to cost, whichever is more. Without it one stream
 * could take a whole day's budget, a small price at a time.
 *
 * @returns Undefined if no budget of money bounds the call: then policy has said that nothing shall.
 */
export function mostOfStream({
  bounds,
  decision,
}: Pick<Candidate, 'bounds' | 'decision'>): Units | undefined {
  const budgets = decision.claims.flatMap(({ counts, limit }) => (counts === 'spend' ? [limit] : []))
  const [first, ...others] = budgets
  if (first === undefined) return undefined
  const part = others.reduce((least, limit) => (limit < least ? limit : least), first) / PART
  const { maxPrice = 0n } = bounds
  return part > maxPrice ? part : maxPrice
}
