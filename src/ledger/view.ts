import type { Instant } from '../money/index.js'
import { unitsOf } from './counts.js'
import type { Payment } from './port.js'
import { paymentOf, type Row } from './row.js'
import type { Shelf } from './shelf.js'

/** Does a live process work on it? */
export function isLive(shelf: Shelf, row: Pick<Row, 'owner' | 'state'>, now: Instant): boolean {
  if (row.owner === undefined || (row.state !== 'held' && row.state !== 'committed')) return false
  const until = shelf.owner(row.owner)
  return until !== undefined && until > now
}

/** A stored payment as callers see it at this moment. */
export function view(shelf: Shelf, row: Row, now: Instant): Payment {
  return paymentOf(row, isLive(shelf, row, now), unitsOf(row))
}
