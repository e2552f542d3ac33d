export type { Channel, ChannelQuery, Channels } from './channel.js'
export { type Clock, type ClockConfirmation, systemClock } from './clock.js'
export { durationText } from './duration-text.js'
export { fundsOf } from './funds.js'
export type { ConfirmedGap, Gap, GapCause, GapStatement, Gaps } from './gaps.js'
export type {
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
