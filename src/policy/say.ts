import type { Reason } from '../errors/index.js'
import { formatUnits, type Instant } from '../money/index.js'
import type { CounterClaim, Decision, Dimension } from './types.js'

/** A counter that lacks room, as the ledger found it. */
export interface Short {
  readonly claim: CounterClaim
  readonly remaining: bigint
}

/**
 * Why a counter that is short stops a payment.
 *
 * @param symbol The symbol of the policy's unit.
 */
export function shortfall({ claim, remaining }: Short, symbol: string): Reason {
  const { rule, resetsAt } = claim
  const asked = quantity(claim, claim.amount, symbol)
  const left = quantity(claim, remaining, symbol)
  const reset = resetsAt === undefined ? rolls(claim) : `; it starts anew at ${moment(resetsAt)}`
  return {
    rule,
    limit: quantity(claim, claim.limit, symbol),
    asked,
    remaining: left,
    ...(resetsAt === undefined ? {} : { resetsAt }),
    says: `${sentenceCase(budgetText(claim, symbol))} has ${left} left, and this payment needs ${asked}${reset}.`,
  }
}

/** Why a payment that is larger than a whole budget can never fit it. */
export function tooLarge(claim: CounterClaim, symbol: string): Reason {
  const asked = quantity(claim, claim.amount, symbol)
  return {
    rule: claim.rule,
    limit: quantity(claim, claim.limit, symbol),
    asked,
    says: `This payment needs ${asked}, which is more than ${budgetText(claim, symbol)}.`,
  }
}

/** `the budget of 5 USD per day (UTC) for vendor https://api.example`. */
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

function rolls({ window }: CounterClaim): string {
  return window.endsWith('~') ? '; room comes back as older payments leave the window' : ''
}

function quantity(claim: CounterClaim, value: bigint, symbol: string): string {
  if (claim.counts !== 'payments') return formatUnits(value, symbol)
  return value === 1n ? '1 payment' : `${value} payments`
}

/** `2026-11-22T00:00:00Z`. */
function moment(instant: Instant): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z')
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/**
 * A decision as text: whether it may be paid, and every reason.
 *
 * @example
 * ```ts
 * explain(decision) // 'Denied. One payment may cost at most 0.1 USD; this one costs 0.5 USD.'
 * ```
 */
export function explain(decision: Pick<Decision, 'effect' | 'reasons'>): string {
  const head = { allow: 'Allowed.', ask: 'Somebody must approve this.', deny: 'Denied.' }[decision.effect]
  return [head, ...decision.reasons.map(({ says }) => says)].join(' ')
}
