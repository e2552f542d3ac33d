import type { Ask, Budget, Document, Rules } from './fields.js'
import { complain, type Path, type Reading } from './shape.js'

/**
 * Checks the rules of a document together: whether they make sense in combination, and whether every way to pay has a
 * limit.
 */
export function checkDocument(document: Document, reading: Reading): void {
  for (const { rules, path } of everyRules(document)) checkRules(rules, path, reading)
  if (document.unlimited === true) return
  checkOverAll(document, reading)
  checkLimits(document, reading)
}

function checkRules(rules: Rules, path: Path, reading: Reading): void {
  for (const [index, budget] of (rules.budgets ?? []).entries())
    checkBudget(budget, [...path, 'budgets', index], reading)
  for (const [index, ask] of (rules.ask ?? []).entries()) checkAsk(ask, [...path, 'ask', index], reading)
}

function checkBudget({ limit, payments, per, rolling }: Budget, path: Path, reading: Reading): void {
  if ((limit === undefined) === (payments === undefined))
    complain(reading, path, 'a budget has either a `limit` or a number of `payments`: give it exactly one')
  if (typeof per === 'number') {
    if (rolling !== true)
      complain(reading, [...path, 'per'], 'a duration needs `rolling: true`: add it, or name a window')
    else if (per % 60_000 !== 0)
      complain(reading, [...path, 'per'], 'a rolling window is a number of whole minutes: round it up')
  } else if (rolling === true && per !== undefined) {
    const mend = 'write a duration such as 24h or 30d, or leave `rolling` out'
    complain(reading, [...path, 'per'], `${per} is a window of the calendar and cannot roll: ${mend}`)
  }
}

function checkAsk(ask: Ask, path: Path, reading: Reading): void {
  if (Object.keys(ask).length !== 1)
    complain(reading, path, 'an ask rule has exactly one key: write each rule as its own list item')
}

/**
 * Requires a budget over all payments if there are budgets per value or payments to unlisted vendors, because many
 * small budgets can add up unnoticed.
 */
function checkOverAll(document: Document, reading: Reading): void {
  if (hasOverAll(document)) return
  const mend = `add one such as { limit: "5", per: day } to budgets`
  if (document.unlisted === 'ask' || document.unlisted === 'allow')
    complain(reading, ['unlisted'], `${document.unlisted} needs a budget over all vendors: ${mend}`)
  for (const { rules, path } of everyRules(document)) {
    if (path.length > 0 && hasOverAll(rules) && path[1] !== '*') continue
    for (const [index, { each }] of (rules.budgets ?? []).entries())
      if (each !== undefined)
        complain(
          reading,
          [...path, 'budgets', index, 'each'],
          `needs a budget over all payments too: ${mend}`,
        )
  }
}

function checkLimits(document: Document, reading: Reading): void {
  const agents = agentRules(document)
  for (const { rules, path } of agents.length === 0 ? everyRules(document) : agents) {
    if (document.perPayment === undefined && rules.perPayment === undefined)
      checkPerPayment(document, rules, path, reading)
    // Rules under `*` apply to any number of agents, so their budgets do not limit the total.
    if (!hasOverAll(document) && (path[1] === '*' || !hasOverAll(rules)))
      complain(
        reading,
        [...path, 'budgets'],
        'no budget limits the total: add one such as { limit: "5", per: day }, or set `unlimited: true`',
      )
  }
}

function checkPerPayment(document: Document, rules: Rules, path: Path, reading: Reading): void {
  const mend = 'add perPayment, such as "0.10", or set `unlimited: true`'
  const vendors = document.vendors ?? []
  const everywhere = (list: Rules['vendors']): boolean =>
    list !== undefined && list.length > 0 && list.every(({ perPayment }) => perPayment !== undefined)
  const closed = (own: Rules): boolean => own.unlisted === undefined || own.unlisted === 'deny'
  if (path.length > 0 && closed(rules) && everywhere(rules.vendors)) return
  if (closed(document) && everywhere(vendors)) return
  const bare = vendors.findIndex(({ perPayment }) => perPayment === undefined)
  if (closed(document) && bare >= 0 && vendors.some(({ perPayment }) => perPayment !== undefined))
    complain(reading, ['vendors', bare, 'perPayment'], `nothing limits one payment to this vendor: ${mend}`)
  else complain(reading, [...path, 'perPayment'], `nothing limits one payment: ${mend}`)
}

/** The rules of the document or of an agent, and their position. */
export interface PlacedRules {
  readonly rules: Rules
  readonly path: Path
}

/** Lists the rules of the document itself, and of all agents. */
export function everyRules(document: Document): readonly PlacedRules[] {
  return [{ rules: document, path: [] }, ...agentRules(document)]
}

function agentRules({ agents = {} }: Document): readonly PlacedRules[] {
  return Object.entries(agents).map(([agent, rules]) => ({ rules, path: ['agents', agent] }))
}

/** Tells whether all payments under these rules share a money budget. */
function hasOverAll(rules: Rules): boolean {
  return (rules.budgets ?? []).some(
    ({ limit, each, per }) => limit !== undefined && each === undefined && per !== 'task',
  )
}
