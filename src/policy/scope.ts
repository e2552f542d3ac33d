import { matchesOrigin } from './origins.js'
import type { CounterClaim, Dimensions, Scope } from './types.js'

/**
 * Returns the tasks in which a call counts: each of its nested task names as a path. `['a', 'b']` counts in `a` and in
 * `a/b`. A slash inside a name is escaped, so that no name can imitate a path.
 */
export function taskKeys(tasks: readonly string[]): readonly string[] {
  if (tasks.length === 0) return NO_TASKS
  const names = tasks.filter((task) => task !== '').map((task) => task.replace(/[%/]/g, encodeURIComponent))
  return names.map((_, index) => names.slice(0, index + 1).join('/'))
}

const NO_TASKS: readonly string[] = Object.freeze([])

/**
 * Returns the key of a claim's counter. Claims with the same key share one counter, even if different rules made them.
 */
export function counterKey(claim: Pick<CounterClaim, 'counts' | 'scope' | 'window'>): string {
  const scope: [string, string][] = []
  for (const name of NAMES) {
    const value = claim.scope[name]
    if (value !== undefined) scope.push([name, value])
  }
  return JSON.stringify([claim.counts, claim.window, scope])
}

/** All names of a scope in a fixed order. A constant, because every payment builds several keys. */
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
 * Tells whether a stored payment counts in a scope. The ledger uses it to fill a new counter. An empty value matches
 * payments without one: no task, no tool, no category, no named payee.
 */
export function inScope(scope: Scope, dimensions: Dimensions): boolean {
  const { policy, agent, task, vendor, payee, category, tool, network, grant, unit } = scope
  const names = Object.keys(dimensions.payees)
  return (
    (policy === undefined || policy === dimensions.policy) &&
    (agent === undefined || agent === dimensions.agent) &&
    (task === undefined || matchesAny(task, dimensions.tasks)) &&
    (vendor === undefined || matchesOrigin(vendor, dimensions.vendor)) &&
    (payee === undefined || matchesAny(payee, names)) &&
    (category === undefined ||
      matchesAny(category, (dimensions.category ?? '').split(',').filter(Boolean))) &&
    (tool === undefined || tool === (dimensions.tool ?? '')) &&
    (network === undefined || network === dimensions.network) &&
    (grant === undefined || grant === dimensions.grant) &&
    (unit === undefined || unit === dimensions.unit)
  )
}

function matchesAny(value: string, values: readonly string[]): boolean {
  return value === '' ? values.length === 0 : values.includes(value)
}
