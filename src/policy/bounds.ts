import type { Units } from '../money/index.js'
import type { Resource } from '../protocol/index.js'
import type { Ground } from './case.js'
import type { Layer } from './layers.js'
import type { Bounds } from './types.js'
import { lookUp } from './vendors.js'

const DEFAULT_VALIDITY_MS = 10 * 60_000
/** What `unlimited: true` means where a wallet needs a number: a billion of the unit. */
const NO_LIMIT: Units = 10n ** 18n

/** What the layers bound before an offer is read: the lowest of each. */
export function boundsOf(ground: Ground, layers: readonly Layer[], resource: Resource): Bounds {
  const rules = layers.map((layer) => layer.rules)
  const entries = layers.flatMap((layer) => (layer.vendors && lookUp(layer.vendors, resource)?.entries) ?? [])
  const maxFee = lowest(rules.map(({ maxFee }) => maxFee))
  const locks = [...rules.map(({ deposits }) => deposits), ...entries.map(({ deposit }) => deposit)]
  return Object.freeze({
    maxValidityMs: Math.min(...rules.map(({ maxValidity }) => maxValidity ?? DEFAULT_VALIDITY_MS)),
    ...(maxFee === undefined ? {} : { maxFee }),
    maxLock: lowest(locks) ?? (ground.unlimited ? NO_LIMIT : 0n),
    unit: ground.unit,
  })
}

function lowest(limits: readonly (Units | undefined)[]): Units | undefined {
  return limits.reduce((low, limit) =>
    low === undefined || (limit !== undefined && limit < low) ? limit : low,
  )
}
