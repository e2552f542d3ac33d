import { clean } from '../errors/index.js'
import type { Approval } from '../index.js'
import { formatDecimal, UNIT_DECIMALS } from '../money/index.js'
import { windowWords } from './left.js'
import { type PolicyUnit, priceText } from './price.js'
import { inText } from './words.js'

/** The parts of a question that a person sees before the answer. */
export type ShownQuestion = Pick<
  Approval,
  'agent' | 'tasks' | 'resource' | 'terms' | 'reasons' | 'budgets' | 'expires' | 'serverSays'
>

/**
 * Returns a question as a person reads it. The facts come from the dialled address, the terms and the ledger. The words of
 * the server are marked.
 */
export function questionText(question: ShownQuestion, unit: PolicyUnit, now: number): string {
  const { agent, tasks, resource, terms, reasons, budgets = [], expires, serverSays } = question
  const fee = terms.fee === undefined ? '' : ` + a fee of up to ${priceText(terms.fee.bound, unit)}`
  const deposit = terms.locks === undefined ? '' : `, and locks a deposit of ${priceText(terms.locks, unit)}`
  const rows: readonly (readonly [string, string])[] = [
    ['who', [agent, ...tasks].join(' / ')],
    ['pays', `${terms.exact ? '' : 'up to '}${priceText(terms.most, unit)}${fee}${deposit}`],
    ['to', resource.vendor],
    ['for', resource.operation],
    ['by', `${terms.kind} on ${terms.network}`],
    ['payees', terms.payees.map(({ id }) => id).join(', ')],
    ['because', reasons.map(({ message }) => message).join(' ')],
    ...budgets
      .filter(({ counts }) => counts === 'spend')
      .map(({ rule, remaining }): readonly [string, string] => [
        'afterwards',
        restText(rule, remaining, unit),
      ]),
    ['answer within', inText(expires, now)],
    ...(serverSays === undefined
      ? []
      : [["server's words", `"${clean(serverSays)}" (they prove nothing)`] as const]),
  ]
  return rows.map(([name, value]) => `  ${name.padEnd(15)} ${clean(value, 1000)}`).join('\n')
}

/** `9.98 USD left today (budget.day)` */
function restText(rule: string, remaining: bigint, { symbol }: PolicyUnit): string {
  const window = /budget\.(\w+)/.exec(rule)?.[1]
  const when = window === undefined ? '' : ` ${windowWords(window)}`
  return `${formatDecimal(remaining > 0n ? remaining : 0n, UNIT_DECIMALS)} ${symbol} left${when} (${rule})`
}
