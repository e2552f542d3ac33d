import type { Payment } from '../../../src/ledger/index.js'
import type { Env } from '../../../src/pay/index.js'
import { createPolicy, taskKeys } from '../../../src/policy/index.js'
import { CENT } from '../peers.js'
import { VENDORS } from './plan.js'

/** What a process's policy allows, in cents: per day, but per task for good. */
export interface Limits {
  readonly all: number
  readonly agent: number
  /** Of this one agent, whose own document is tighter. */
  readonly ann: number
  readonly task: number
  readonly vendor: number
}

export const LOOSEST: Limits = { all: 200, agent: 120, ann: 90, task: 110, vendor: 150 }
/** Above this a person is asked, in cents. */
export const ASK_ABOVE = 30

const policies = new Map<string, Env['policy']>()

export function policyOf(limits: Limits): Env['policy'] {
  const key = JSON.stringify(limits)
  const known = policies.get(key)
  if (known !== undefined) return known
  const dollars = (cents: number) => (cents / 100).toFixed(2)
  const made = createPolicy({
    name: 'team',
    perPayment: '0.75',
    maxFee: '0.05',
    perTask: dollars(limits.task),
    budgets: [
      { limit: dollars(limits.all), per: 'day' },
      { limit: dollars(limits.agent), per: 'day', each: 'agent' },
      { limit: dollars(limits.vendor), per: 'day', each: 'vendor' },
    ],
    vendors: VENDORS.map((origin) => ({ origin })),
    ask: [{ above: dollars(ASK_ABOVE) }],
    agents: { ann: { budgets: [{ limit: dollars(limits.ann), per: 'day' }] }, bob: {} },
  })
  policies.set(key, made)
  return made
}

/** A payment, and the day it counts on. */
export type Counted = readonly [payment: Payment, day: number]

/** Every budget that counts more than these limits, by arithmetic of its own: held and spent, to the unit. */
export function exceeded(counted: readonly Counted[], limits: Limits): readonly string[] {
  return over(counted, new Map(counted.flatMap((each) => budgetsOf(each, limits))))
}

/** The same of those budgets that one payment is in: a hold is judged by its own process, and by nothing else. */
export function exceededBy(one: Counted, counted: readonly Counted[], limits: Limits): readonly string[] {
  return over(counted, new Map(budgetsOf(one, limits)))
}

function over(counted: readonly Counted[], limits: ReadonlyMap<string, bigint>): readonly string[] {
  const sums = new Map<string, bigint>()
  for (const each of counted)
    for (const [budget] of budgetsOf(each, LOOSEST))
      sums.set(budget, (sums.get(budget) ?? 0n) + each[0].units)
  return [...limits].flatMap(([budget, limit]) => {
    const units = sums.get(budget) ?? 0n
    return units > limit ? [`${budget}: ${units} of ${limit}`] : []
  })
}

function budgetsOf(
  [{ context, resource }, day]: Counted,
  limits: Limits,
): readonly (readonly [budget: string, limit: bigint])[] {
  const { agent, tasks } = context
  // Without a task, what counts is the agent's.
  const inTasks = tasks.length === 0 ? [`none, of ${agent}`] : taskKeys(tasks)
  return [
    [`day ${day}`, BigInt(limits.all) * CENT],
    [`${agent} on day ${day}`, BigInt(limits.agent) * CENT],
    [`${resource.vendor} on day ${day}`, BigInt(limits.vendor) * CENT],
    ...inTasks.map((task) => [`task ${task}`, BigInt(limits.task) * CENT] as const),
    ...(agent === 'ann' ? [[`ann's own on day ${day}`, BigInt(limits.ann) * CENT] as const] : []),
  ]
}
