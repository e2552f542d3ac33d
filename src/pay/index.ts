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
export type { Exchange, Leg, MeterEvent, Metered, RefusalProblem } from './exchange.js'
export { type CallOptions, faceOf, lendFace, ownCallOptions, type PayingFace } from './face.js'
export { type NotPaid, paysKind } from './not-paid.js'
export { once } from './once.js'
export type { Quoted, QuotedOffer } from './quote.js'
export type { Recovery, RecoveryPlan, UnseenDoubts } from './recover.js'
export { carryOut, pay, quote, recover, recoverAndTell, settleAccounts } from './story.js'
