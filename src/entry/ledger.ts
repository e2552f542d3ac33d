// The port of a ledger, for those who write a store of their own or read one.

export type { RestoreStatement, StoredReceipt } from '../client/index.js'
export type {
  Attempt,
  Channel,
  ChannelQuery,
  Channels,
  Clock,
  ClockConfirmation,
  ConfirmedGap,
  DueQuery,
  Evidence,
  FactsQuery,
  Gap,
  GapCause,
  GapStatement,
  Gaps,
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
} from '../ledger/index.js'
export type { Instant, Units } from '../money/index.js'
export type { UnseenDoubts } from '../pay/index.js'
export type {
  CounterClaim,
  Decision,
  Dimension,
  Dimensions,
  Facts,
  Grant,
  PreviousPurchase,
  Scope,
  Terms,
} from '../policy/index.js'
