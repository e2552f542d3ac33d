import { clean, type Reason } from '../errors/index.js'
import type { Resource } from '../protocol/index.js'
import { defined, own } from '../util/objects.js'
import type { Evaluation, Findings } from './evaluation.js'
import type { RepeatRule } from './fields.js'
import type { Layers } from './layers.js'
import type { Context, Decision } from './types.js'
import { lookUp } from './vendors.js'
import { durationText } from './windows.js'

interface NamedRule extends RepeatRule {
  readonly rule: string
}

/**
 * Returns the longest `within` of the `repeat` rules that apply to a call, in milliseconds. Undefined if none applies.
 */
export function repeatWithin(layers: Layers, resource: Resource, context: Context): number | undefined {
  const rules = layers.flatMap(({ prefix, rules, vendors }) =>
    rulesOf(prefix, rules.repeat, (vendors && lookUp(vendors, resource)?.entries) ?? []),
  )
  return longest(rules.filter((rule) => applies(rule, context)))
}

/**
 * Checks whether the same request was bought before, within the time of a `repeat` rule. All rules that apply must
 * allow the payment.
 *
 * @returns The condition that the ledger checks again in the step that sets the budget aside. Undefined if no rule
 *   applies.
 */
export function judgeRepeat(layers: Layers, judged: Evaluation, found: Findings): Decision['repeat'] {
  // An offer without a price buys nothing: a proof of identity may be repeated.
  if (judged.terms.most.value === 0n) return undefined
  const rules = layers
    .flatMap((layer) => rulesOf(layer.prefix, layer.rules.repeat, judged.listings.get(layer)?.entries ?? []))
    .filter((rule) => applies(rule, judged.context))
  const withinMs = longest(rules)
  if (withinMs === undefined) return undefined
  const { bought, now } = judged.facts
  const last = bought !== undefined && bought.at > now - withinMs ? bought : undefined
  for (const rule of rules)
    if (last !== undefined && last.at > now - rule.within)
      found[rule.then].push(reasonOf(rule, last, judged.resource))
  return own(last === undefined ? { withinMs } : { withinMs, last: last.payment })
}

function rulesOf(
  prefix: string,
  own: RepeatRule | undefined,
  entries: readonly { readonly repeat?: RepeatRule }[],
): readonly NamedRule[] {
  const ofEntries = entries.flatMap(({ repeat }) =>
    repeat ? [{ ...repeat, rule: `${prefix}vendor.repeat` }] : [],
  )
  return own === undefined ? ofEntries : [{ ...own, rule: `${prefix}repeat` }, ...ofEntries]
}

/**
 * Tells whether a rule applies. With `unlessKeyed`, a fresh Idempotency-Key of the caller exempts the call: the caller
 * wants the same thing again.
 */
function applies({ unlessKeyed }: RepeatRule, { keyed }: Context): boolean {
  return unlessKeyed !== true || keyed !== true
}

function longest(rules: readonly RepeatRule[]): number | undefined {
  return rules.length === 0 ? undefined : Math.max(...rules.map(({ within }) => within))
}

function reasonOf(
  { rule, within, then }: NamedRule,
  { payment, at, open, reference }: NonNullable<Evaluation['facts']['bought']>,
  { operation, vendor }: Resource,
): Reason {
  const length = durationText(within)
  const receipt = reference === undefined ? '' : `, receipt ${clean(reference, 100)}`
  const when = open ? 'is being bought now' : `was bought at ${new Date(at).toISOString()}`
  const rest =
    then === 'ask' ? 'so a person must approve buying it again' : `and may be bought once in ${length}`
  return defined({
    rule,
    limit: `once in ${length}`,
    asked: operation,
    resetsAt: at + within,
    payment,
    reference,
    message: `The same request to ${vendor} ${when} (payment ${payment}${receipt}), ${rest}.`,
  })
}
