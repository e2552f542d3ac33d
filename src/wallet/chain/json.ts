import type { Currency } from '../../money/index.js'
import type { Json, JsonObject } from '../../protocol/index.js'
import type { Hex } from './hex.js'

// Readers for evidence that a ledger returns. Undefined means that a value has the wrong form.

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function hexOf(value: Json | undefined): Hex | undefined {
  return typeof value === 'string' && /^0x[0-9a-f]+$/.test(value) ? `0x${value.slice(2)}` : undefined
}

export function digitsOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && /^[0-9]+$/.test(value) ? value : undefined
}

export function readCurrency(value: Json | undefined): Currency | undefined {
  if (!isObject(value)) return undefined
  const { id, symbol, decimals, peg, rate } = value
  if (typeof id !== 'string' || typeof symbol !== 'string' || typeof decimals !== 'number') return undefined
  return { id, symbol, decimals, ...(typeof peg === 'string' && { peg }), ...readRate(rate) }
}

function readRate(value: Json | undefined): Pick<Currency, 'rate'> {
  if (!isObject(value)) return {}
  const { unit, most } = value
  return typeof unit === 'string' && typeof most === 'string' ? { rate: { unit, most } } : {}
}
