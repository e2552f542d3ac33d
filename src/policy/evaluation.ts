import type { Reason } from '../errors/index.js'
import { type Amount, count, type Units } from '../money/index.js'
import type { Resource } from '../protocol/index.js'
import { defined, own } from '../util/objects.js'
import type { Layer, Layers } from './layers.js'
import { taskKeys } from './scope.js'
import { type Context, type CounterClaim, type Dimensions, type Facts, railOf, type Terms } from './types.js'
import { type Listing, lookUp } from './vendors.js'

/** The fixed data of a policy, for every payment that it evaluates. */
export interface PolicyScope {
  /** The policy's name. */
  readonly policy: string
  /** The unit's currency id, and its symbol. */
  readonly unit: string
  readonly symbol: string
  readonly unlimited: boolean
}

/** One payment under evaluation: its amounts in the policy's unit, and the vendor entries of all layers. */
export interface Evaluation {
  readonly policyScope: PolicyScope
  readonly terms: Terms
  readonly resource: Resource
  readonly context: Context
  readonly facts: Facts
  readonly rail: string
  /** Undefined if an amount has no value in the unit. The payment then cannot be counted. */
  readonly units: EvaluatedUnits | undefined
  /** The keys of all tasks in which the payment counts. */
  readonly tasks: readonly string[]
  readonly tool: string | undefined
  /** The patterns that list the vendor, or the vendor itself if it is not listed. */
  readonly vendors: readonly string[]
  /** The categories of the vendor in the document. */
  readonly categories: readonly string[]
  readonly listings: ReadonlyMap<Layer, Listing | undefined>
}

interface EvaluatedUnits {
  readonly price: Units
  readonly fee: Units
  /** Price plus fee bound: the amount that counts against budgets. */
  readonly total: Units
  readonly lock: Units
  readonly payees: ReadonlyMap<string, Units>
}

export interface Findings {
  readonly deny: Reason[]
  readonly ask: Reason[]
  /** The reasons why nobody may be asked. */
  readonly unasked: Reason[]
  readonly claims: CounterClaim[]
}

export function evaluationOf(
  policyScope: PolicyScope,
  layers: Layers,
  given: Pick<Evaluation, 'terms' | 'resource' | 'context' | 'facts'>,
): Evaluation {
  const terms = own(given.terms)
  const resource = own(given.resource)
  const context = own(given.context)
  const facts = own(given.facts)
  const listings = new Map<Layer, Listing | undefined>()
  for (const layer of layers) listings.set(layer, layer.vendors && lookUp(layer.vendors, resource))
  // Counters follow the document's entries for the vendor. An agent's own list restricts, but does not define another
  // vendor.
  const [base] = layers
  const listing = listings.get(base)
  const patterns = listing?.patterns ?? []
  return {
    policyScope,
    terms,
    resource,
    context,
    facts,
    listings,
    rail: railOf(terms),
    units: countAll(terms, policyScope.unit),
    tasks: taskKeys(context.tasks),
    tool: resource.transport === 'http' ? context.tool : resource.tool,
    vendors: patterns.length === 0 ? [resource.vendor] : patterns,
    categories: categoriesOf(listing),
  }
}

/** Lists the categories of all entries in scope, each once and sorted. */
export function categoriesOf(listing: Listing | undefined): readonly string[] {
  const names = (listing?.entries ?? []).flatMap(({ category }) => category ?? [])
  return names.length < 2 ? names : [...new Set(names)].sort()
}

function countAll(terms: Terms, unit: string): EvaluatedUnits | undefined {
  const worth = (amount: Amount | undefined) => (amount === undefined ? 0n : count(amount, unit))
  const price = worth(terms.most)
  const fee = worth(terms.fee?.bound)
  const lock = worth(terms.locks)
  if (price === undefined || fee === undefined || lock === undefined) return undefined
  const payees = new Map<string, Units>()
  for (const { id, amount } of terms.payees) {
    const part = worth(amount)
    if (part === undefined) return undefined
    payees.set(id, (payees.get(id) ?? 0n) + part)
  }
  return { price, fee, total: price + fee, lock, payees }
}

/** Returns the value of the payment in every dimension, for counters that are created later. */
export function dimensionsOf(judged: Evaluation, grant: string | undefined): Dimensions {
  const { policyScope, context, resource, terms, units, tasks, tool } = judged
  return defined({
    policy: policyScope.policy,
    agent: context.agent,
    tasks,
    vendor: resource.vendor,
    payees: Object.fromEntries(units?.payees ?? []),
    category: judged.categories.join(',') || undefined,
    tool,
    network: terms.network,
    grant,
    unit: policyScope.unit,
  })
}
