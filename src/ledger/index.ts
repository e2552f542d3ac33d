export { systemClock } from './clock.js'
export type {
  Attempt,
  Clock,
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
  Room,
  Verdict,
} from './port.js'
export { fundsOf } from './row.js'
