import type { Document, Rules } from './fields.js'
import type { Dimension } from './types.js'
import { indexVendors, type VendorIndex } from './vendors.js'
import { calendarWindow, durationText, rollingWindow, type Window } from './windows.js'

/** A budget made ready to count. */
export interface Line {
  readonly rule: string
  readonly counts: 'spend' | 'payments'
  readonly limit: bigint
  readonly window: Window
  /** What it keeps a counter of its own for. */
  readonly by: readonly Dimension[]
}

/** One document that must allow: the policy itself, or the rules of an agent in it. */
export interface Layer {
  /** In front of the names of its rules: empty, or `agents.researcher.`. */
  readonly prefix: string
  /** Are its counters those of the one agent that pays? */
  readonly ofAgent: boolean
  readonly rules: Rules
  /** Undefined: it says nothing about vendors. */
  readonly vendors: VendorIndex | undefined
  readonly unlisted: 'deny' | 'ask' | 'allow'
  readonly lines: readonly Line[]
}

/** All that must allow: the document first, then the rules of the agent where there are any. */
export type Layers = readonly [Layer, ...Layer[]]

/** The layer of the document itself. */
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

/** The layer of an agent's rules. What it leaves out, it does not restrict. */
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
