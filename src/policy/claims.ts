import type { Units } from '../money/index.js'
import { own } from '../util/objects.js'
import type { Evaluation } from './evaluation.js'
import type { Layer, Line } from './layers.js'
import { counterKey } from './scope.js'
import type { CounterClaim, Dimension, Scope } from './types.js'

interface Share {
  readonly scope: Scope
  /** The part that counts in this scope; undefined if the whole payment does. */
  readonly units?: Units
}

/** Returns the claims of a payment on all budgets of a layer. */
export function budgetClaims(layer: Layer, judged: Evaluation): readonly CounterClaim[] {
  const { units, facts } = judged
  if (units === undefined) return []
  return layer.lines.flatMap((line) => {
    const { counts, limit, rule, window } = line
    const span = window.span(facts.now)
    return shares(line, layer, judged).flatMap(({ scope, units: part }): readonly CounterClaim[] => {
      const amount = counts === 'payments' ? 1n : (part ?? units.total)
      // A claim of 0 would still fail on a counter that exceeds its limit.
      if (amount === 0n) return []
      return [own({ counts, scope: own(scope), window: window.key, ...span, amount, limit, rule })]
    })
  })
}

/** Returns the claims of a payment on the deposit limits of a layer and of its matching vendor entries. */
export function depositClaims(layer: Layer, judged: Evaluation): readonly CounterClaim[] {
  const { units, policyScope } = judged
  if (units === undefined || units.lock === 0n) return []
  const whose = ownScope(layer, judged)
  const claim = (scope: Scope, limit: bigint, rule: string): CounterClaim =>
    own({
      counts: 'lock',
      scope: own({ ...scope, unit: policyScope.unit }),
      window: 'ever',
      from: 0,
      at: 0,
      amount: units.lock,
      limit,
      rule: `${layer.prefix}${rule}`,
    })
  const { deposits } = layer.rules
  const entries = judged.listings.get(layer)?.entries ?? []
  return [
    ...(deposits === undefined ? [] : [claim(whose, deposits, 'deposits')]),
    ...entries.flatMap(({ origin, deposit }) =>
      deposit === undefined
        ? []
        : [claim({ ...whose, policy: policyScope.policy, vendor: origin }, deposit, 'vendor.deposit')],
    ),
  ]
}

function ownScope(layer: Layer, { policyScope, context }: Evaluation): Scope {
  return layer.ofAgent ? { policy: policyScope.policy, agent: context.agent } : { policy: policyScope.policy }
}

function shares(line: Line, layer: Layer, judged: Evaluation): readonly Share[] {
  const whose = ownScope(layer, judged)
  // A count of payments is the same in every unit; a sum of money is not.
  const scope = line.counts === 'payments' ? whose : { ...whose, unit: judged.policyScope.unit }
  const start: readonly Share[] = [own({ scope })]
  return line.by.reduce(
    (all, dimension) =>
      all.flatMap((share) => {
        const parts = partsAlong(dimension, judged)
        return parts.map(({ scope, ...part }) =>
          own({ ...share, ...part, scope: { ...share.scope, ...scope } }),
        )
      }),
    start,
  )
}

interface Part {
  readonly scope: Partial<Scope>
  readonly units?: Units
}

/**
 * Returns the counters of an `each` budget in which a payment counts. Payments without a value in the dimension share
 * the counter `''`.
 */
function partsAlong(dimension: Dimension, judged: Evaluation): readonly Part[] {
  const { context, tasks, tool, vendors, categories, terms, units } = judged
  switch (dimension) {
    case 'agent':
      return [{ scope: { agent: context.agent } }]
    case 'task':
      // Payments without a task share one counter per agent.
      if (tasks.length === 0) return [{ scope: { agent: context.agent, task: '' } }]
      return tasks.map((task) => ({ scope: { task } }))
    case 'vendor':
      return vendors.map((vendor) => ({ scope: { vendor } }))
    case 'category':
      return (categories.length === 0 ? [''] : categories).map((category) => ({ scope: { category } }))
    case 'tool':
      return [{ scope: { tool: tool ?? '' } }]
    case 'network':
      return [{ scope: { network: terms.network } }]
    case 'payee': {
      const payees = [...(units?.payees ?? [])]
      if (payees.length === 0) return [{ scope: { payee: '' } }]
      return payees.map(([payee, part]) => ({ scope: { payee }, units: part }))
    }
    case 'grant':
    case 'unit':
      return []
  }
}

/**
 * Merges claims on the same counter and keeps the lowest limit, so that two budgets on one counter do not count a
 * payment twice.
 */
export function mergeClaims(claims: readonly CounterClaim[]): readonly CounterClaim[] {
  if (claims.length < 2) return claims
  const merged = new Map<string, CounterClaim>()
  for (const claim of claims) {
    const key = counterKey(claim)
    const other = merged.get(key)
    if (
      other === undefined ||
      claim.limit < other.limit ||
      (claim.limit === other.limit && claim.rule < other.rule)
    )
      merged.set(key, claim)
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, claim]) => claim)
}
