import type { Units } from '../money/index.js'
import {
  account,
  type Candidate,
  type DelegatedRule,
  type DelegationAsk,
  lengthOf,
} from './delegated-rules.js'
import type { Document } from './fields.js'
import { agentLayer, baseLayer, type Layer } from './layers.js'

/** The part of a policy that a chain can enforce, and an account of all rules. */
export interface DelegationPlan {
  /** The most that can be spent in each token, without headroom, in the unit. */
  readonly limit: Units
  /** The period after which the limit resets, in milliseconds. Absent if it never resets. */
  readonly periodMs?: number | undefined
  /** The allowed recipients, in lower case. */
  readonly recipients: readonly string[]
  readonly rules: readonly DelegatedRule[]
}

/**
 * Computes the part of a document that an access key's limits can enforce. Pure.
 *
 * @throws TypeError if no budget or no payee can be enforced on a chain.
 */
export function planDelegation(document: Document, ask: DelegationAsk): DelegationPlan {
  const rules = document.agents?.[ask.agent] ?? document.agents?.['*']
  if (document.agents !== undefined && rules === undefined)
    throw new TypeError(`The policy lets the agent ${ask.agent} pay nothing, so there is nothing to delegate`)
  const layers = [
    baseLayer(document),
    ...(rules === undefined ? [] : [agentLayer(ask.agent, rules, document)]),
  ]
  const chosen = choose(layers, ask)
  const recipients = recipientsOf(layers, ask)
  const symbol = document.unit ?? 'USD'
  const { periodMs } = chosen
  return {
    limit: chosen.line.limit,
    periodMs,
    recipients,
    rules: layers.flatMap((layer) => account(layer, { chosen, recipients, ask, symbol })),
  }
}

function choose(layers: readonly Layer[], { budget, lifeMs }: DelegationAsk): Candidate {
  const all = layers.flatMap((layer) => candidates(layer, lifeMs))
  if (budget !== undefined) {
    const named = all.find(({ line }) => line.rule === budget)
    if (named === undefined)
      throw new TypeError(`The policy has no budget ${budget} that a chain can enforce${among(all)}`)
    return named
  }
  const [first, ...rest] = all
  if (first === undefined)
    throw new TypeError('The policy has no budget over all payments, and a chain can enforce no other budget')
  return rest.reduce((best, one) => (less(one, best) ? one : best), first)
}

const among = (all: readonly Candidate[]): string =>
  all.length === 0 ? '' : `: it has ${all.map(({ line }) => line.rule).join(', ')}`

/** Tells whether a budget allows less in total than another; on a tie, less per period. */
function less(one: Candidate, best: Candidate): boolean {
  return one.total < best.total || (one.total === best.total && one.line.limit < best.line.limit)
}

function candidates(layer: Layer, lifeMs: number): readonly Candidate[] {
  const budgets = layer.rules.budgets ?? []
  return budgets.flatMap((budget, index) => {
    const line = layer.lines[index]
    if (line === undefined || line.counts !== 'spend' || line.by.length > 0) return []
    const periodMs = lengthOf(budget.per)
    const periods = periodMs === undefined ? 1n : BigInt(Math.ceil(lifeMs / periodMs))
    return [{ line, periodMs, total: line.limit * periods }]
  })
}

/** Tells whether a payee is an address on a chain. Other payees are paid by other methods. */
const isAddress = (payee: string): boolean => /^0x[0-9a-f]{40}$/.test(payee)

function recipientsOf(layers: readonly Layer[], { recipients }: DelegationAsk): readonly string[] {
  const named = layers.flatMap((layer) => {
    const payees = namedPayees(layer)
    return payees === undefined ? [] : [payees]
  })
  const allowed = named.reduce<readonly string[] | undefined>(
    (both, list) => (both === undefined ? list : both.filter((one) => list.includes(one))),
    undefined,
  )
  const asked = recipients?.map((one) => one.toLowerCase())
  if (asked === undefined && allowed === undefined)
    throw new TypeError(
      'The policy does not name all payees (vendors[].payees), so a chain cannot enforce them: name them there, or list recipients',
    )
  const list = [...new Set((asked ?? allowed ?? []).filter(isAddress))]
  const stranger = asked?.find((one) => !isAddress(one) || allowed?.includes(one) === false)
  if (stranger !== undefined)
    throw new TypeError(
      `recipients has ${stranger}, which ${isAddress(stranger) ? 'the policy does not allow' : 'is not an address'}`,
    )
  if (list.length === 0) throw new TypeError('The policy names no payee with an address')
  return list
}

/** Lists all payees that a layer allows; undefined if some part of the layer does not restrict payees. */
function namedPayees({ rules, vendors, unlisted }: Layer): readonly string[] | undefined {
  if (vendors === undefined || unlisted !== 'deny') return undefined
  const entries = rules.vendors ?? []
  const lists = entries.flatMap(({ payees }) => (payees === undefined || payees === 'any' ? [] : [payees]))
  return lists.length < entries.length ? undefined : lists.flat()
}
