export type { Channel, ChannelQuery, Channels } from './channel.js'
export { type Clock, type ClockConfirmation, systemClock } from './clock.js'
export { fundsOf } from './funds.js'
export type { ConfirmedGap, Gap, GapCause, GapStatement, Gaps } from './gaps.js'
export { lengthOf } from './length.js'
export type {
  Attempt,
  DueQuery,
  Evidence,
  FactsQuery,
  Held,
  Hold,
  LaneGrant,
  LaneRequest,
  Ledger,
  Move,
  Moved,
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
