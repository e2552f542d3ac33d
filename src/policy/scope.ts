import { matchesOrigin } from './origins.js'
import type { CounterClaim, Dimensions, Scope } from './types.js'

/**
 * The tasks a call counts in: each of the nested names it is bound to, as a path. `['a', 'b']` counts in `a` and in
 * `a/b`. A slash inside a name is escaped, so that no name can pose as a path.
 */
export function taskKeys(tasks: readonly string[]): readonly string[] {
  if (tasks.length === 0) return NO_TASKS
  const names = tasks.filter((task) => task !== '').map((task) => task.replace(/[%/]/g, encodeURIComponent))
  return names.map((_, index) => names.slice(0, index + 1).join('/'))
}

const NO_TASKS: readonly string[] = Object.freeze([])

/** Several categories as one text, in an order of their own. */
export function categoryKey(categories: readonly string[]): string {
  return categories.length < 2 ? (categories[0] ?? '') : [...new Set(categories)].sort().join(',')
}

/** Which counter a claim is on: claims with the same key share one counter, whatever rule they come from. */
export function counterKey(claim: Pick<CounterClaim, 'counts' | 'scope' | 'window'>): string {
  const scope: [string, string][] = []
  for (const name of NAMES) {
    const value = claim.scope[name]
    if (value !== undefined) scope.push([name, value])
  }
  return JSON.stringify([claim.counts, claim.window, scope])
}

/** Everything that a scope may name, in one order: a key is made several times in every payment. */
const NAMES = [
  'agent',
  'category',
  'grant',
  'network',
  'payee',
  'policy',
  'task',
  'tool',
  'unit',
  'vendor',
] as const satisfies readonly (keyof Scope)[]

/**
 * Does a stored payment count in a scope? With this the ledger fills a counter that it has never seen. An empty value
 * stands for payments without one: no task, no tool, no category, no payee named.
 */
export function inScope(scope: Scope, dimensions: Dimensions): boolean {
  const { policy, agent, task, vendor, payee, category, tool, network, grant, unit } = scope
  const names = Object.keys(dimensions.payees)
  return (
    (policy === undefined || policy === dimensions.policy) &&
    (agent === undefined || agent === dimensions.agent) &&
    (task === undefined || within(task, dimensions.tasks)) &&
    (vendor === undefined || matchesOrigin(vendor, dimensions.vendor)) &&
    (payee === undefined || within(payee, names)) &&
    (category === undefined || within(category, (dimensions.category ?? '').split(',').filter(Boolean))) &&
    (tool === undefined || tool === (dimensions.tool ?? '')) &&
    (network === undefined || network === dimensions.network) &&
    (grant === undefined || grant === dimensions.grant) &&
    (unit === undefined || unit === dimensions.unit)
  )
}

function within(value: string, values: readonly string[]): boolean {
  return value === '' ? values.length === 0 : values.includes(value)
}
