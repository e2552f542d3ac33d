import type { Instant } from '../money/index.js'
import { defined, own } from '../util/objects.js'
import type { PolicyScope } from './evaluation.js'
import type { Layer, Line } from './layers.js'
import { taskKeys } from './scope.js'
import type { BudgetLine, Context, CounterClaim, Dimension, Scope } from './types.js'
import { isListed } from './vendors.js'

/**
 * Lists every budget that applies to a context, as claims with the amount 0, so that the ledger can report the room
 * that is left.
 */
export function budgetLines(
  policyScope: PolicyScope,
  layers: readonly Layer[],
  context: Context,
  now: Instant,
): readonly BudgetLine[] {
  const vendors = layers[0]?.vendors
  const asks = (vendor: string): boolean =>
    vendors === undefined || vendors.has(vendor) || !isListed(vendors, vendor)
  return layers.flatMap((layer) => {
    const whose: Scope = layer.ofAgent
      ? { policy: policyScope.policy, agent: context.agent }
      : { policy: policyScope.policy }
    const money: Scope = { ...whose, unit: policyScope.unit }
    const lines = layer.lines.flatMap((line) =>
      linesOf(line, line.counts === 'payments' ? whose : money, context, now),
    )
    const listed = lines.map((line) => (line.each === 'vendor' ? own({ ...line, asks }) : line))
    const { deposits } = layer.rules
    if (deposits === undefined) return listed
    const rule = `${layer.prefix}deposits`
    const span = { window: 'ever', from: 0, at: 0 }
    const claim: CounterClaim = own({
      ...({ counts: 'lock', scope: own(money), ...span, amount: 0n, limit: deposits, rule } as const),
    })
    return [...listed, own({ rule, claim })]
  })
}

function linesOf(line: Line, whose: Scope, context: Context, now: Instant): readonly BudgetLine[] {
  const { rule, counts, limit, window } = line
  const known = line.by.reduce<readonly Scope[]>(
    (scopes, dimension) => scopes.flatMap((scope) => valuesOf(dimension, scope, context)),
    [whose],
  )
  const each = line.by.find((dimension) => !isKnown(dimension, context))
  return known.map((scope) => {
    const span = window.span(now)
    const claim = own({ counts, scope: own(scope), window: window.key, ...span, amount: 0n, limit, rule })
    return defined({ rule, claim, each })
  })
}

/** Tells whether the context fixes the value of this dimension before an offer is read. */
function isKnown(dimension: Dimension, { tool }: Context): boolean {
  return dimension === 'agent' || dimension === 'task' || (dimension === 'tool' && tool !== undefined)
}

function valuesOf(dimension: Dimension, scope: Scope, context: Context): readonly Scope[] {
  const tasks = taskKeys(context.tasks)
  if (dimension === 'agent') return [{ ...scope, agent: context.agent }]
  if (dimension === 'tool' && context.tool !== undefined) return [{ ...scope, tool: context.tool }]
  if (dimension !== 'task') return [scope]
  if (tasks.length === 0) return [{ ...scope, agent: context.agent, task: '' }]
  return tasks.map((task) => ({ ...scope, task }))
}
