import type { Instant } from '../money/index.js'
import { unitsOf } from './counts.js'
import { type PaymentRow, paymentOf } from './payment-row.js'
import type { Payment } from './port.js'
import type { LedgerTables } from './tables.js'

/** Does a live process work on it? */
export function isLive(
  tables: LedgerTables,
  row: Pick<PaymentRow, 'owner' | 'state'>,
  now: Instant,
): boolean {
  if (row.owner === undefined || (row.state !== 'held' && row.state !== 'committed')) return false
  const until = tables.owner(row.owner)
  return until !== undefined && until > now
}

/** A stored payment as callers see it at this moment. */
export function viewOf(tables: LedgerTables, row: PaymentRow, now: Instant): Payment {
  return paymentOf(row, isLive(tables, row, now), unitsOf(row))
}
