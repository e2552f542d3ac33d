// The names that both main entries export, in addition to `createPurser`.

export {
  type Discovered,
  type DiscoveredOffer,
  type DiscoveredOperation,
  type DiscoverOptions,
  Purser,
  type PurserApprovals,
  type PurserOptions,
  type Resolution,
  type Session,
  type Sessions,
  type SpanLike,
  type TracerLike,
} from '../client/index.js'
export {
  ERROR_CODES,
  type ErrorCode,
  type Funds,
  findPaymentError,
  isPaymentError,
  type NextAction,
  PaymentError,
  PaymentRefusedError,
  type Reason,
  type Rejection,
} from '../errors/index.js'
export type { FetchLike, FetchPayment, PayingFetch, PayingInit, Restore } from '../fetch/index.js'
export type { FetchInput } from '../http/index.js'
export type {
  AnswerResult,
  Approval,
  ApprovalProof,
  ApprovalQuery,
  ApprovalState,
  Budget,
  BudgetAfter,
  Ledger,
  Payment,
  PaymentQuery,
  PaymentState,
  Remember,
  StoredAnswer,
} from '../ledger/index.js'
export {
  type Amount,
  amount,
  CURRENCIES,
  type Currency,
  fiat,
  formatAmount,
  token,
} from '../money/index.js'
export type {
  AnomalyKind,
  ApprovalAnswer,
  ApprovalRequest,
  Approver,
  CallOptions,
  Listener,
  NotPaid,
  Outcome,
  PurserEvent,
  PurserEvents,
  Quoted,
  QuotedOffer,
  Recovery,
  Refusal,
} from '../pay/index.js'
export { approvalMessage, approvalTermsHash, type SignedDecision } from '../pay/index.js'
export type { PolicyDocument } from '../policy/index.js'
export type { OfferKind, Preference, Receipt } from '../protocol/index.js'
export type { Wallet } from '../wallet/index.js'
