import type { JsonObject } from '../protocol/index.js'

// What several wallets need, whichever network they pay on. In no entry point.

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
