export type {
  AnswerResult,
  Approval,
  ApprovalId,
  ApprovalProof,
  ApprovalQuery,
  ApprovalState,
  BudgetAfter,
  GivenAnswer,
  Remember,
  StoredAnswer,
  WithdrawReason,
} from './approval.js'
export { budgetOf, budgetsOf } from './budgets.js'
export type { Channel, ChannelQuery, Channels } from './channel.js'
export { checkedClock } from './checked-clock.js'
export { type Clock, type ClockConfirmation, systemClock } from './clock.js'
export { durationText } from './duration-text.js'
export {
  type ConfirmedGap,
  type Gap,
  type GapCause,
  type GapStatement,
  type Gaps,
  incomplete,
} from './gaps.js'
export type { Budget, BudgetsQuery, CounterDifference, CounterSum, LedgerView } from './ledger-view.js'
export { type MemoryLedgerOptions, memoryLedger } from './memory.js'
export type {
  Approvals,
  AskInput,
  AskResult,
  Attempt,
  DueQuery,
  Evidence,
  FactsQuery,
  Hold,
  HoldResult,
  LaneGrant,
  LaneRequest,
  Ledger,
  Move,
  MoveResult,
  Payment,
  PaymentId,
  PaymentQuery,
  PaymentState,
  PinnedPayee,
  PinQuery,
  PurchaseQuery,
  Room,
  Verdict,
} from './port.js'
export { approvalQuery, paymentQuery, pinQuery } from './query-options.js'
