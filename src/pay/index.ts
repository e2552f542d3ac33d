export type { ApprovalAnswer, ApprovalRequest, Approver, Remember } from './authorize/approver.js'
export type { Budget } from './authorize/budget.js'
export type { Quoted, QuotedOffer } from './authorize/quote.js'
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
export type { Exchange, MeterEvent, Metered, RefusalProblem, SendOptions } from './exchange.js'
export { carryOut, pay, quote, recover, recoverAndTell, settleAccounts } from './flow.js'
export {
  type CallOptions,
  ownCallOptions,
  type PaymentHandler,
} from './handler.js'
export { type NotPaid, paysKind } from './not-paid.js'
export type { Recovery, RecoveryPlan, UnseenDoubts } from './recovery/recover.js'
