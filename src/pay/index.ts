export { BudgetAlerts, budgetOf } from './authorize/alerts.js'
export { ApprovalQueue } from './authorize/approval-queue.js'
export type { ApprovalAnswer, ApprovalRequest, Approver, Remember } from './authorize/approver.js'
export type { Budget } from './authorize/budget.js'
export { type Quoted, type QuotedOffer, quote } from './authorize/quote.js'
export { runOperation, settleClosedChannel } from './channel-operation.js'
export type { Call, Env, Outcome, Refusal } from './env.js'
export {
  type AnomalyKind,
  type Emitter,
  Events,
  type Listener,
  type PurserEvent,
  type PurserEvents,
  type Tap,
} from './events.js'
export {
  type Exchange,
  type MeterEvent,
  type Metered,
  type RefusalProblem,
  type SendOptions,
  sendUnpaid,
} from './exchange.js'
export { type FlowStart, pay } from './flow.js'
export {
  type CallOptions,
  ownCallOptions,
  type PaymentHandler,
} from './handler.js'
export { type NotPaid, paysKind } from './not-paid.js'
export { PaymentLocks } from './recovery/payment-locks.js'
export {
  type Recovery,
  type RecoveryPlan,
  recover,
  recoverAndTell,
  type UnseenDoubts,
} from './recovery/recover.js'
export { RecoverySchedule } from './recovery/recovery-schedule.js'
export { LiveCredentials } from './submit/live-credentials.js'
export { transition } from './transition.js'
