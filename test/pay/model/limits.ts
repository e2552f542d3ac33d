import type { Payment } from '../../../src/ledger/index.js'
import { formatUnits } from '../../../src/money/index.js'
import type { Env } from '../../../src/pay/index.js'
import { createPolicy, taskKeys } from '../../../src/policy/index.js'
import { CENT } from '../peers.js'
import { VENDORS } from './plan.js'

/** The limits of a process's policy, in cents minus the smallest unit: per day, and per task without an end. */
export interface Limits {
  readonly all: number
  readonly agent: number
  /** Of this one agent, whose own document is tighter. */
  readonly ann: number
  readonly task: number
  readonly vendor: number
  /** A budget that only some processes have, so that it is new to a ledger that has paid already. */
  readonly week?: number
}

export const LOOSEST: Limits = { all: 200, agent: 120, ann: 90, task: 110, vendor: 150 }
/** Above this a person is asked, in cents. */
export const ASK_ABOVE = 30

const policies = new Map<string, Env['policy']>()

export function policyOf(limits: Limits): Env['policy'] {
  const key = JSON.stringify(limits)
  const known = policies.get(key)
  if (known !== undefined) return known
  const limit = (cents: number) => formatUnits(unitsOf(cents), 'USD')
  const made = createPolicy({
    name: 'team',
    perPayment: '0.75',
    maxFee: '0.05',
    perTask: limit(limits.task),
    budgets: [
      { limit: limit(limits.all), per: 'day' },
      { limit: limit(limits.agent), per: 'day', each: 'agent' },
      { limit: limit(limits.vendor), per: 'day', each: 'vendor' },
      ...(limits.week === undefined ? [] : [{ limit: limit(limits.week), per: 'week' } as const]),
    ],
    vendors: VENDORS.map((origin) => ({ origin })),
    ask: [{ above: (ASK_ABOVE / 100).toFixed(2) }],
    agents: { ann: { budgets: [{ limit: limit(limits.ann), per: 'day' }] }, bob: {} },
  })
  policies.set(key, made)
  return made
}

/** A nano less than so many cents. No price reaches it exactly, so one unit too many is one payment too many. */
function unitsOf(cents: number): bigint {
  return BigInt(cents) * CENT - 1n
}

/** A payment, and the day it counts on. */
export type Counted = readonly [payment: Payment, day: number]

/** Every budget whose held and spent units exceed these limits, calculated separately from the ledger. */
export function exceeded(counted: readonly Counted[], limits: Limits): readonly string[] {
  return over(counted, new Map(counted.flatMap((each) => budgetsOf(each, limits))))
}

/** The same for the budgets of one payment: a hold is judged only by its own process. */
export function exceededBy(one: Counted, counted: readonly Counted[], limits: Limits): readonly string[] {
  return over(counted, new Map(budgetsOf(one, limits)))
}

function over(counted: readonly Counted[], limits: ReadonlyMap<string, bigint>): readonly string[] {
  const sums = new Map<string, bigint>()
  for (const each of counted)
    for (const [budget] of budgetsOf(each, LOOSEST))
      sums.set(budget, (sums.get(budget) ?? 0n) + exposureOf(each[0]))
  return [...limits].flatMap(([budget, limit]) => {
    const units = sums.get(budget) ?? 0n
    return units > limit ? [`${budget}: ${units} of ${limit}`] : []
  })
}

/**
 * Returns the most that a payment can cost. Its two credentials share a nonce, so a credential that was included and failed
 * excludes the other one. Until the rail shows that, the ledger counts the burnt fee and the open credential together,
 * which is too much and never too little.
 */
function exposureOf({ state, attempts, units }: Payment): bigint {
  const failed = attempts.filter((attempt) => attempt.void !== undefined)
  if (state !== 'committed' || failed.length === attempts.length) return units
  const burnt = failed.reduce((sum, { terms }) => sum + (terms.fee?.bound.value ?? 0n) * UNITS_OF_A_PART, 0n)
  return units > burnt ? units - burnt : 0n
}

/** Units of one part of a token with six decimals. */
const UNITS_OF_A_PART = 1000n

function budgetsOf(
  [{ context, resource }, day]: Counted,
  limits: Limits,
): readonly (readonly [budget: string, limit: bigint])[] {
  const { agent, tasks } = context
  // Without a task, the agent's count applies.
  const inTasks = tasks.length === 0 ? [`none, of ${agent}`] : taskKeys(tasks)
  const week = Math.floor((day + FROM_MONDAY) / 7)
  return [
    [`day ${day}`, unitsOf(limits.all)],
    [`week ${week}`, unitsOf(limits.week ?? UNLIMITED)],
    [`${agent} on day ${day}`, unitsOf(limits.agent)],
    [`${resource.vendor} on day ${day}`, unitsOf(limits.vendor)],
    ...inTasks.map((task) => [`task ${task}`, unitsOf(limits.task)] as const),
    ...(agent === 'ann' ? [[`ann's own on day ${day}`, unitsOf(limits.ann)] as const] : []),
  ]
}

const UNLIMITED = 1_000_000
/** The first day of 1970 was a Thursday. */
const FROM_MONDAY = 3
