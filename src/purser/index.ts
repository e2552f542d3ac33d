export type { Budget } from './budgets.js'
export type { PurserOptions } from './options.js'
export { createPurser, Purser, type Resolution, type StoredReceipt } from './purser.js'
export type { SpanLike, TracerLike } from './trace.js'
