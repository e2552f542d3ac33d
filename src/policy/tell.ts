import type { Reason } from '../errors/index.js'
import { formatUnits, type Instant } from '../money/index.js'
import { defined } from '../util/objects.js'
import type { CounterClaim, Decision, Dimension } from './types.js'

/** Explains that a payment is larger than a whole budget and can never fit. */
export function tooLarge(claim: CounterClaim, symbol: string, cost?: Cost): Reason {
  const asked = quantity(claim, claim.amount, symbol)
  return {
    rule: claim.rule,
    limit: quantity(claim, claim.limit, symbol),
    asked,
    message: `This payment needs ${asked}${costText(claim, symbol, cost)}, which is more than ${budgetText(claim, symbol)}.`,
  }
}

/** The cost of a payment, in units: its price and the maximum of its fee. */
interface Cost {
  readonly price: bigint
  readonly fee: bigint
}

/** Returns ` (0.01 USD and up to 0.001 USD for its fee)` if the counter would hold that sum. */
function costText({ counts, amount }: CounterClaim, symbol: string, cost: Cost | undefined): string {
  if (cost === undefined || counts !== 'spend' || cost.fee === 0n || amount !== cost.price + cost.fee)
    return ''
  return ` (${formatUnits(cost.price, symbol)} and up to ${formatUnits(cost.fee, symbol)} for its fee)`
}

/** Describes a budget: `the budget of 5 USD per day (UTC) for vendor https://api.example`. */
function budgetText(claim: CounterClaim, symbol: string): string {
  const limit = quantity(claim, claim.limit, symbol)
  const noun =
    claim.counts === 'lock' ? 'deposit limit' : claim.counts === 'payments' ? 'allowance' : 'budget'
  if (claim.scope.grant !== undefined) return `the remembered approval of ${limit} in all`
  return `the ${noun} of ${limit}${windowText(claim)}${scopeText(claim)}`
}

function windowText({ window, scope, counts }: CounterClaim): string {
  if (window === 'ever') return counts === 'lock' || scope.task !== undefined ? '' : ' in all'
  if (window.endsWith('~')) return ` in any ${window.slice(0, -1)}`
  const [, name = window, zone] = /^(\w+)(?:\.\w+)?(?:@(.+))?$/.exec(window) ?? []
  return ` per ${name}${zone === undefined ? '' : ` (${zone})`}`
}

const NOUNS: readonly Dimension[] = ['agent', 'task', 'vendor', 'payee', 'category', 'tool', 'network']

function scopeText({ scope }: CounterClaim): string {
  const parts = NOUNS.flatMap((dimension) => {
    const value = scope[dimension]
    if (value === undefined) return []
    return value === '' ? [`calls without a ${dimension}`] : [`${dimension} ${value}`]
  })
  return parts.length === 0 ? '' : ` for ${parts.join(', ')}`
}

function quantity(claim: CounterClaim, value: bigint, symbol: string): string {
  if (claim.counts !== 'payments') return formatUnits(value, symbol)
  return value === 1n ? '1 payment' : `${value} payments`
}

/** A counter without enough room, as the ledger found it. */
export interface Short {
  readonly claim: CounterClaim
  readonly remaining: bigint
}

/**
 * Explains why a counter without enough room stops a payment.
 *
 * @param symbol - The symbol of the policy's unit.
 * @param cost - The cost of the payment. If given, the text names the fee next to the price.
 */
export function shortfall({ claim, remaining }: Short, symbol: string, cost?: Cost): Reason {
  const { rule, resetsAt } = claim
  const asked = quantity(claim, claim.amount, symbol)
  const left = quantity(claim, remaining, symbol)
  const rolls = claim.window.endsWith('~') ? '; room comes back as older payments leave the window' : ''
  const reset = resetsAt === undefined ? rolls : `; it resets at ${moment(resetsAt)}`
  return defined({
    rule,
    limit: quantity(claim, claim.limit, symbol),
    asked,
    remaining: left,
    resetsAt,
    message: `${sentenceCase(budgetText(claim, symbol))} has ${left} left, and this payment needs ${asked}${costText(claim, symbol, cost)}${reset}.`,
  })
}

/** Explains why the counters without enough room stop a payment after its decision. */
export function shortfalls(
  short: readonly Short[],
  { price, units }: Pick<Decision, 'price' | 'units'>,
  symbol: string,
): readonly Reason[] {
  const cost = price === undefined || units === undefined ? undefined : { price, fee: units - price }
  return short.map((room) => shortfall(room, symbol, cost))
}

/** Formats an instant: `2026-11-22T00:00:00Z`. */
function moment(instant: Instant): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z')
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/**
 * Formats a decision as text: its effect and every reason.
 *
 * @see docs/policy.md
 * @example
 * ```ts
 * explain(decision) // 'Denied. One payment may cost at most 0.1 USD; this one costs 0.5 USD.'
 * ```
 */
export function explain(decision: Pick<Decision, 'effect' | 'reasons'>): string {
  const head = { allow: 'Allowed.', ask: 'A person must approve this.', deny: 'Denied.' }[decision.effect]
  return [head, ...decision.reasons.map(({ message }) => message)].join(' ')
}
