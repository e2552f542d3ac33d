import type { Currency, Units } from '../money/index.js'
import type { Resource } from '../protocol/index.js'
import { defined } from '../util/objects.js'
import type { PolicyScope } from './evaluation.js'
import type { Layers } from './layers.js'
import type { ApprovalSettings, ApproverKey, Bounds } from './types.js'
import { lookUp } from './vendors.js'

const DEFAULT_VALIDITY_MS = 10 * 60_000
/** The number for `unlimited: true` if a wallet needs a number: a billion of the unit. */
const NO_LIMIT: Units = 10n ** 18n

/** Returns the limits that are known before an offer is read: the lowest of all layers. */
export function boundsOf(policyScope: PolicyScope, layers: Layers, resource: Resource): Bounds {
  const currencies = layers.flatMap(({ rules }) => (rules.currencies === undefined ? [] : [rules.currencies]))
  const bounds: Bounds = defined({
    maxValidityMs: Math.min(...layers.map(({ rules }) => rules.maxValidity ?? DEFAULT_VALIDITY_MS)),
    maxFee: lowest(layers.map(({ rules }) => rules.maxFee)),
    maxPrice: lowest(layers.flatMap((layer) => pricesOf(layer, resource))),
    maxLock: maxLock(policyScope, layers, resource),
    unit: policyScope.unit,
    currencies: currencies.length === 0 ? undefined : currencies,
  })
  return Object.freeze(bounds)
}

function pricesOf({ rules, vendors }: Layers[number], resource: Resource): readonly (Units | undefined)[] {
  const entries = (vendors && lookUp(vendors, resource)?.entries) ?? []
  return [rules.perPayment, ...entries.map(({ perPayment }) => perPayment)]
}

/** Returns the limit on deposits. If the document sets none, it is zero, even if an agent's rules set one. */
function maxLock(policyScope: PolicyScope, layers: Layers, resource: Resource): Units {
  const limits = layers.map(({ rules, vendors }) => {
    const entries = (vendors && lookUp(vendors, resource)?.entries) ?? []
    return lowest([rules.deposits, ...entries.map(({ deposit }) => deposit)])
  })
  const [own, ...others] = limits
  return lowest([own ?? (policyScope.unlimited ? NO_LIMIT : 0n), ...others]) ?? 0n
}

function lowest(limits: readonly (Units | undefined)[]): Units | undefined {
  return limits.reduce((low, limit) =>
    low === undefined || (limit !== undefined && limit < low) ? limit : low,
  )
}

export function mayUse(currency: Currency, { currencies = [], unit }: Bounds): boolean {
  return currencies.every((list) => namesCurrency(list, currency, unit))
}

/** Tells whether the list names this currency, by its id or by the unit to which it is pegged. */
export function namesCurrency(list: readonly string[], { id, peg }: Currency, unit: string): boolean {
  const symbol = unit.slice(unit.indexOf(':') + 1)
  return list.includes(id) || (list.includes(symbol) && (id === unit || peg === unit))
}

/**
 * Returns the approval settings for an agent. If the document and the agent's rules both set a number, the lower one
 * applies. If both name people, only those who are named by both may answer.
 */
export function approvalSettingsOf(layers: Layers): ApprovalSettings {
  const setting = (name: 'timeout' | 'perAgent' | 'perVendor' | 'holds', otherwise: number): number => {
    const given = layers.flatMap(({ rules }) => rules.approval?.[name] ?? [])
    return given.length === 0 ? otherwise : Math.min(...given)
  }
  const [first, ...others] = layers.flatMap(({ rules }) => (rules.approval?.by ? [rules.approval.by] : []))
  const by = first?.filter((key) => others.every((list) => list.some((other) => isSameKey(key, other))))
  const settings: ApprovalSettings = defined({
    timeoutMs: setting('timeout', 5 * 60_000),
    perAgent: setting('perAgent', 10),
    perVendor: setting('perVendor', 5),
    holds: setting('holds', 50),
    by,
  })
  return Object.freeze(settings)
}

function isSameKey(a: ApproverKey, b: ApproverKey): boolean {
  return (
    a.type === b.type && a.publicKey === b.publicKey && a.credential === b.credential && a.rpId === b.rpId
  )
}
