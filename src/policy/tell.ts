import type { Reason } from '../errors/index.js'
import type { Instant } from '../money/index.js'
import { defined } from '../util/objects.js'
import { budgetText, type Cost, costText, quantity } from './say.js'
import type { CounterClaim, Decision } from './types.js'

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
  const reset = resetsAt === undefined ? rolls(claim) : `; it resets at ${moment(resetsAt)}`
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

function rolls({ window }: CounterClaim): string {
  return window.endsWith('~') ? '; room comes back as older payments leave the window' : ''
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
