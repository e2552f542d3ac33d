import type { Layers } from './layers.js'
import type { ApprovalSettings } from './types.js'

const DEFAULTS: ApprovalSettings = Object.freeze({
  timeoutMs: 5 * 60_000,
  perAgent: 10,
  perVendor: 5,
  holds: 50,
})

/**
 * Returns the approval settings for an agent. If the document and the agent's rules both set a number, the lower one
 * applies.
 */
export function approvalSettingsOf(layers: Layers): ApprovalSettings {
  const given = layers.flatMap(({ rules: { approval } }) => (approval === undefined ? [] : [approval]))
  const lowest = (values: readonly (number | undefined)[], otherwise: number): number => {
    const known = values.filter((value) => value !== undefined)
    return known.length === 0 ? otherwise : Math.min(...known)
  }
  return Object.freeze({
    timeoutMs: lowest(
      given.map(({ timeout }) => timeout),
      DEFAULTS.timeoutMs,
    ),
    perAgent: lowest(
      given.map(({ perAgent }) => perAgent),
      DEFAULTS.perAgent,
    ),
    perVendor: lowest(
      given.map(({ perVendor }) => perVendor),
      DEFAULTS.perVendor,
    ),
    holds: lowest(
      given.map(({ holds }) => holds),
      DEFAULTS.holds,
    ),
  })
}
