export { BudgetAlerts } from './authorize/alerts.js'
export { approvalMessage, approvalTermsHash, type SignedDecision } from './authorize/approval-message.js'
export { type PasskeyVerifier, PROOF_FAULTS, proofFault } from './authorize/approval-proof.js'
export { type ApprovalAnswer, type ApprovalRequest, type Approver, readAnswer } from './authorize/approver.js'
export { type Quoted, type QuotedOffer, quote } from './authorize/quote.js'
export { type ChannelOperationRequest, runOperation, settleClosedChannel } from './channel-operation.js'
export type { Call, CallContext, Env, Outcome, PaymentSettings, Refusal } from './env.js'
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
export { LiveCredentials, PaymentLocks, RecoverySchedule } from './process-state.js'
export {
  type Recovery,
  type RecoveryPlan,
  runRecovery,
  runRecoveryWithUnseen,
  type UnseenDoubts,
} from './recovery/recover.js'
export { refusedError } from './refused-error.js'
export { transition } from './transition.js'
