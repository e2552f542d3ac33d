import type { Instant } from '../money/index.js'
import { unitsOf } from './counts.js'
import { type PaymentRow, paymentOf } from './payment-row.js'
import type { Payment } from './port.js'
import type { LedgerTables } from './tables.js'

/** Returns whether a live process works on the payment. */
export function isLive(
  tables: LedgerTables,
  row: Pick<PaymentRow, 'owner' | 'state'>,
  now: Instant,
): boolean {
  if (row.owner === undefined || (row.state !== 'held' && row.state !== 'committed')) return false
  const until = tables.owner(row.owner)
  return until !== undefined && until > now
}

/** Returns a stored payment as callers see it now. */
export function viewOf(tables: LedgerTables, row: PaymentRow, now: Instant): Payment {
  return paymentOf(row, isLive(tables, row, now), unitsOf(row))
}
