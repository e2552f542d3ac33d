import type { Document, Rules } from './fields.js'
import type { Dimension } from './types.js'
import { indexVendors, type VendorIndex } from './vendors.js'
import { calendarWindow, durationText, rollingWindow, type Window } from './windows.js'

/** A budget that is ready for counting. */
export interface Line {
  readonly rule: string
  readonly counts: 'spend' | 'payments'
  readonly limit: bigint
  readonly window: Window
  /** The dimensions by which it keeps separate counters. */
  readonly by: readonly Dimension[]
}

/** One set of rules that must allow a payment: the policy itself, or the rules of an agent. */
export interface Layer {
  /** The prefix of its rule names: empty, or `agents.researcher.`. */
  readonly prefix: string
  /** True if its counters belong to the paying agent only. */
  readonly ofAgent: boolean
  readonly rules: Rules
  /** Undefined if it has no list of vendors. */
  readonly vendors: VendorIndex | undefined
  readonly unlisted: 'deny' | 'ask' | 'allow'
  readonly lines: readonly Line[]
}

/** All layers: the document first, then the rules of the agent if there are any. */
export type Layers = readonly [Layer, ...Layer[]]

export function baseLayer(document: Document): Layer {
  return {
    prefix: '',
    ofAgent: false,
    rules: document,
    vendors: indexVendors(document.vendors ?? []),
    unlisted: document.unlisted ?? 'deny',
    lines: readLines(document, document, ''),
  }
}

/** Creates the layer of an agent's rules. An absent rule restricts nothing. */
export function agentLayer(name: string, rules: Rules, document: Document): Layer {
  const prefix = `agents.${name}.`
  return {
    prefix,
    ofAgent: true,
    rules,
    vendors: rules.vendors === undefined ? undefined : indexVendors(rules.vendors),
    unlisted: rules.unlisted ?? (rules.vendors === undefined ? 'allow' : 'deny'),
    lines: readLines(rules, document, prefix),
  }
}

function readLines(rules: Rules, document: Rules, prefix: string): readonly Line[] {
  const zone = rules.timezone ?? document.timezone ?? 'UTC'
  const weekStart = rules.weekStart ?? document.weekStart ?? 'monday'
  const lines = (rules.budgets ?? []).map((budget): Line => {
    const { limit, payments, per, each, timezone } = budget
    const rolling = typeof per === 'number'
    const name = rolling ? durationText(per) : per
    const by = new Set<Dimension>()
    if (per === 'task') by.add('task')
    if (each !== undefined) by.add(each)
    return {
      rule: `${prefix}${limit === undefined ? 'payments' : 'budget'}.${name}${each === undefined ? '' : `.${each}`}`,
      counts: limit === undefined ? 'payments' : 'spend',
      limit: limit ?? BigInt(payments ?? 0),
      window: rolling ? rollingWindow(per) : calendarWindow(per, timezone ?? zone, weekStart),
      by: [...by],
    }
  })
  if (rules.perTask === undefined) return lines
  const window = calendarWindow('task', zone, weekStart)
  return [...lines, { rule: `${prefix}perTask`, counts: 'spend', limit: rules.perTask, window, by: ['task'] }]
}
