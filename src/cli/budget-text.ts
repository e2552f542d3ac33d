import { clean } from '../errors/index.js'
import type { JsonOf } from './schemas.js'
import type { Style } from './style.js'
import { type Column, table } from './table.js'
import { inText, moneyText, vendorText, windowText } from './words.js'

/** One budget, as `purser budgets --json` prints it. */
export type BudgetFact = JsonOf<'budgets'>

/** The facts around the budgets, for their text. */
export interface BudgetSurroundings {
  readonly now: number
  readonly openSessions: number
  readonly frozen: string | undefined
  /** Whether the ledger may have lost payments, and pays nothing until a person has confirmed the amount. */
  readonly incomplete: boolean
  /** The rules that have a budget for each vendor, task or another value. */
  readonly each: ReadonlyMap<string, string>
}

const COLUMNS: readonly Column[] = [
  { title: '', cut: true, least: 26 },
  { title: 'spent', align: 'decimal' },
  { title: 'held', align: 'decimal' },
  { title: 'left', align: 'decimal' },
  { title: 'of', align: 'decimal' },
  { title: 'resets' },
]
const TIGHTEST: Column = { title: 'tightest', cut: true, least: 4 }

/** Returns budgets as a table for people. Of the budgets that a rule has for each value, it shows the tightest. */
export function budgetsText(facts: readonly BudgetFact[], seen: BudgetSurroundings, style: Style): string {
  const rows = tightest(facts, seen).map((fact) => rowOf(fact, seen))
  const hasEach = rows.some((row) => row.at(-1) !== '')
  const lines = table(hasEach ? [...COLUMNS, TIGHTEST] : COLUMNS, rows, style)
  const { frozen, incomplete } = seen
  const notes = [
    ...(facts.length === 0 ? ['The policy has no budgets.'] : []),
    ...(frozen === undefined ? [] : [`Frozen, nothing is paid: ${clean(frozen)}`]),
    ...(incomplete
      ? ['Payments may be missing in this ledger, so nothing is paid. See docs/ledger.md#restore.']
      : []),
  ]
  return [...(facts.length === 0 ? [] : [lines]), ...notes].join('\n')
}

/** Keeps one budget of each rule and agent: the one with the smallest share left. */
function tightest(facts: readonly BudgetFact[], { each }: BudgetSurroundings): readonly BudgetFact[] {
  const kept = new Map<string, BudgetFact>()
  for (const fact of facts) {
    const dimension = each.get(fact.rule)
    const key =
      dimension === undefined
        ? JSON.stringify([fact.rule, fact.scope, fact.window])
        : JSON.stringify([fact.rule, fact.scope['agent'], fact.window])
    const before = kept.get(key)
    if (before === undefined || isTighter(fact, before)) kept.set(key, fact)
  }
  return [...kept.values()]
}

function isTighter(a: BudgetFact, b: BudgetFact): boolean {
  return numberOf(a.left) * numberOf(b.limit) < numberOf(b.left) * numberOf(a.limit)
}

/** Only for comparing: amounts are printed from their text. */
function numberOf(value: BudgetFact['limit']): number {
  return typeof value === 'number' ? value : Number(value.value)
}

function rowOf(fact: BudgetFact, seen: BudgetSurroundings): readonly string[] {
  const { counts, spent, held, left, limit } = fact
  const dimension = seen.each.get(fact.rule)
  const whichOne = dimension === undefined ? undefined : fact.scope[dimension]
  // A deposit is never spent: the ledger holds it until its session is closed.
  const [first, second] = counts === 'lock' ? [held, undefined] : [spent, held]
  return [
    `${indentOf(fact)}${labelOf(fact, dimension)}`,
    shown(first),
    second === undefined || second === 0 ? '-' : shown(second),
    shown(left),
    shown(limit),
    resetsOf(fact, seen),
    whichOne === undefined ? '' : vendorText(whichOne),
  ]
}

function indentOf({ scope, counts }: BudgetFact): string {
  return counts === 'spend' && (scope['agent'] !== undefined || scopeText(scope) !== '') ? '  ' : ''
}

function labelOf({ counts, scope, window }: BudgetFact, each: string | undefined): string {
  const { agent } = scope
  const of = each === undefined ? scopeText(scope) : `each ${each}`
  const whose = [agent, of].filter((part) => part !== undefined && part !== '').join(', ')
  if (counts === 'lock') return `${whose === '' ? '' : `${whose}, `}deposits in sessions`
  if (counts === 'payments') return `${whose === '' ? '' : `${whose}, `}payments ${windowText(window)}`
  return `${whose === '' ? 'all agents' : whose}, ${windowText(window)}`
}

/** The scope without the parts that every budget has. */
function scopeText(scope: BudgetFact['scope']): string {
  return Object.entries(scope)
    .flatMap(([name, value]) => {
      if (name === 'policy' || name === 'unit' || name === 'agent') return []
      if (value === '') return [`no ${name}`]
      return [name === 'vendor' ? vendorText(value) : `${name} ${value}`]
    })
    .join(', ')
}

function resetsOf({ resets, window, counts }: BudgetFact, { now, openSessions }: BudgetSurroundings): string {
  if (counts === 'lock') return `${openSessions} open`
  if (resets !== undefined) return inText(Date.parse(resets), now)
  return window.endsWith('~') ? 'gradually' : 'never'
}

function shown(value: BudgetFact['limit']): string {
  return typeof value === 'number' ? String(value) : moneyText(value)
}
