export type { ApprovalAnswer, ApprovalRequest, Approver, Remember } from './approver.js'
export type { Budget } from './budget.js'
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
export type { Quoted, QuotedOffer } from './quote.js'
export type { Recovery, RecoveryPlan, UnseenDoubts } from './recover.js'
