import type { CounterClaim, Dimensions } from '../policy/index.js'
import { inScope } from '../policy/index.js'
import { type Counter, changes, counterOf, traitsNeeded, traitsOf, type Weight, weights } from './counts.js'
import type { Room } from './port.js'
import type { Row } from './row.js'
import type { Shelf } from './shelf.js'

/** Makes sure that the counter of a claim exists: one never seen before is filled from the stored payments. */
export function ensureCounter(shelf: Shelf, claim: CounterClaim): void {
  const counter = counterOf(claim)
  if (shelf.hasCounter(counter.key)) return
  let any = false
  if (mayHold(shelf, counter)) {
    for (const row of shelf.candidates(counter)) {
      const weight = weights(row, [counter]).get(counter.key)
      if (weight === undefined || (weight.held === 0n && weight.spent === 0n && row.state === 'denied'))
        continue
      shelf.addTo(counter.key, weight.at, weight)
      any = true
    }
  }
  if (!any) {
    shelf.addCounter(counter)
    return
  }
  const filled = shelf.meta().filled + 1
  shelf.setMeta({ filled })
  shelf.addCounter({ ...counter, filled })
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
  const { held, spent } = shelf.sum(counterOf(claim).key, claim.from)
  const mine = own !== undefined && own.at >= claim.from ? own : { held: 0n, spent: 0n }
  const left = claim.limit - (held - mine.held) - (spent - mine.spent)
  return { claim, spent: spent - mine.spent, held: held - mine.held, remaining: left > 0n ? left : 0n }
}

/** Every claim of a row that does not fit, were it to be saved in place of `before`. */
export function shortOf(shelf: Shelf, before: Row | undefined, after: Row): readonly Room[] {
  const was = before === undefined ? undefined : weightsOf(shelf, before)
  const is = weightsOf(shelf, after)
  const claims = after.charges.at(-1)?.claims ?? []
  return claims.flatMap((claim) => {
    const { key } = counterOf(claim)
    const need = is.get(key)
    const { held, spent } = shelf.sum(key, claim.from)
    const own = was?.get(key)
    const room = roomOf(shelf, claim, own)
    const mine = own !== undefined && own.at >= claim.from ? own.held + own.spent : 0n
    const asked = (need?.held ?? claim.amount) + (need?.spent ?? 0n)
    return held + spent - mine + asked > claim.limit ? [room] : []
  })
}
