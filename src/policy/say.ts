import type { Reason } from '../errors/index.js'
import { formatUnits } from '../money/index.js'
import type { CounterClaim, Dimension } from './types.js'

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
export interface Cost {
  readonly price: bigint
  readonly fee: bigint
}

/** Returns ` (0.01 USD and up to 0.001 USD for its fee)` if the counter would hold that sum. */
export function costText({ counts, amount }: CounterClaim, symbol: string, cost: Cost | undefined): string {
  if (cost === undefined || counts !== 'spend' || cost.fee === 0n || amount !== cost.price + cost.fee)
    return ''
  return ` (${formatUnits(cost.price, symbol)} and up to ${formatUnits(cost.fee, symbol)} for its fee)`
}

/** Describes a budget: `the budget of 5 USD per day (UTC) for vendor https://api.example`. */
export function budgetText(claim: CounterClaim, symbol: string): string {
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

export function quantity(claim: CounterClaim, value: bigint, symbol: string): string {
  if (claim.counts !== 'payments') return formatUnits(value, symbol)
  return value === 1n ? '1 payment' : `${value} payments`
}
