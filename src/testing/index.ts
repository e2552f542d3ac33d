export { type TestClock, type TestTime, testClock } from './clock.js'
export type { Fault, FaultName } from './faults.js'
export { type PaidApi, paidApi } from './paid-api.js'
export {
  type PaidTool,
  type PaidTools,
  paidTools,
  type ToolArguments,
  type ToolChange,
} from './paid-tools.js'
export type { PaidKind, PaidOffer } from './rails.js'
export type {
  PaidAnswer,
  PaidApiOptions,
  PaidRoute,
  RefusedCredential,
  RouteChange,
  TakenPayment,
} from './routes.js'
export { type TestPurser, type TestPurserOptions, testPurser } from './test-purser.js'
export { type TestWallet, type TestWalletOptions, testWallet } from './wallet.js'
