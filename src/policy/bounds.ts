import type { Units } from '../money/index.js'
import type { Resource } from '../protocol/index.js'
import { own } from '../util/objects.js'
import type { PolicyScope } from './evaluation.js'
import type { Layers } from './layers.js'
import type { Bounds } from './types.js'
import { lookUp } from './vendors.js'

const DEFAULT_VALIDITY_MS = 10 * 60_000
/** The number for `unlimited: true` if a wallet needs a number: a billion of the unit. */
const NO_LIMIT: Units = 10n ** 18n

/** Returns the limits that are known before an offer is read: the lowest of all layers. */
export function boundsOf(ground: PolicyScope, layers: Layers, resource: Resource): Bounds {
  const maxFee = lowest(layers.map(({ rules }) => rules.maxFee))
  const maxPrice = lowest(layers.flatMap((layer) => pricesOf(layer, resource)))
  const currencies = layers.flatMap(({ rules }) => (rules.currencies === undefined ? [] : [rules.currencies]))
  const bounds: Bounds = own({
    maxValidityMs: Math.min(...layers.map(({ rules }) => rules.maxValidity ?? DEFAULT_VALIDITY_MS)),
    ...(maxFee === undefined ? {} : { maxFee }),
    ...(maxPrice === undefined ? {} : { maxPrice }),
    maxLock: maxLock(ground, layers, resource),
    unit: ground.unit,
    ...(currencies.length === 0 ? {} : { currencies }),
  })
  return Object.freeze(bounds)
}

function pricesOf({ rules, vendors }: Layers[number], resource: Resource): readonly (Units | undefined)[] {
  const entries = (vendors && lookUp(vendors, resource)?.entries) ?? []
  return [rules.perPayment, ...entries.map(({ perPayment }) => perPayment)]
}

/** Returns the limit on deposits. If the document sets none, it is zero, even if an agent's rules set one. */
function maxLock(ground: PolicyScope, layers: Layers, resource: Resource): Units {
  const limits = layers.map(({ rules, vendors }) => {
    const entries = (vendors && lookUp(vendors, resource)?.entries) ?? []
    return lowest([rules.deposits, ...entries.map(({ deposit }) => deposit)])
  })
  const [own, ...others] = limits
  return lowest([own ?? (ground.unlimited ? NO_LIMIT : 0n), ...others]) ?? 0n
}

function lowest(limits: readonly (Units | undefined)[]): Units | undefined {
  return limits.reduce((low, limit) =>
    low === undefined || (limit !== undefined && limit < low) ? limit : low,
  )
}
