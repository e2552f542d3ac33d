import type { Instant } from '../money/index.js'
import type { PreviousPurchase } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { PaymentRow } from './payment-row.js'
import { isLive, viewOf } from './payment-view.js'
import type { Hold, Payment, PurchaseQuery } from './port.js'
import type { LedgerTables } from './tables.js'

/**
 * How far back the ledger finds purchases. `repeat` looks back thirty days, and an approval request waits up to seven
 * days.
 */
export const BOUGHT_MS = 38 * 86_400_000

/**
 * Returns the time when something was bought with this payment. Returns undefined if nothing was bought: the payment
 * was denied or released, or had no price. A payment in progress counts, because it may still settle.
 */
export function purchasedAt({ state, terms, createdAt, charges }: PaymentRow): Instant | undefined {
  if (state === 'denied' || state === 'released' || terms.most.value === 0n) return undefined
  return Math.max(createdAt, ...charges.map(({ at }) => at))
}

/** Returns the fact about an earlier purchase of the same request, for policy. */
export function earlierPurchaseFact(
  tables: LedgerTables,
  agent: string,
  query: PurchaseQuery | undefined,
  now: Instant,
): PreviousPurchase | undefined {
  const row = query && boughtBefore(tables, agent, own(query), now)
  if (row === undefined) return undefined
  const { id, state, reference } = row
  const open = state === 'held' || (state === 'committed' && isLive(tables, row, now))
  const bought = { payment: id, at: purchasedAt(row) ?? now, open }
  return own(reference === undefined ? bought : { ...bought, reference })
}

/**
 * Returns whether the newest earlier purchase of the same request is now a different one than in the decision of this
 * hold.
 */
export function hasOtherPurchase(tables: LedgerTables, hold: Hold, now: Instant): boolean {
  const { repeat } = hold.decision
  if (repeat === undefined) return false
  const { withinMs, last } = own(repeat)
  return boughtBefore(tables, hold.context.agent, own({ ...hold, withinMs }), now)?.id !== last
}

/**
 * Returns the newest earlier purchase of the same request. It leaves out payments that this call continues instead of
 * paying again. It also leaves out holds that came after its own hold, and holds of dead processes.
 */
function boughtBefore(
  tables: LedgerTables,
  agent: string,
  query: PurchaseQuery,
  now: Instant,
): PaymentRow | undefined {
  const { id, fingerprint, withinMs } = query
  const place = (id === undefined ? 0 : tables.place(id)) || Number.POSITIVE_INFINITY
  for (const row of tables.purchases(agent, fingerprint, now - withinMs)) {
    if (row.id === id || isSamePurchase(tables, row, query, now)) continue
    if (row.state === 'held' && (!isLive(tables, row, now) || tables.place(row.id) > place)) continue
    return row
  }
  return undefined
}

function isSamePurchase(tables: LedgerTables, row: PaymentRow, query: PurchaseQuery, now: Instant): boolean {
  if (query.key !== undefined) return row.key === query.key
  return blocksRepeat(viewOf(tables, row, now), row, query, now)
}

/**
 * Returns whether a payment without an answer blocks the same request. A dead process counts as alive until its lease
 * expires. So an open payment of another process is a doubt, and the caller waits for its outcome. Open payments of one
 * process are separate calls, as with any fetch.
 */
export function blocksRepeat(
  payment: Payment,
  row: PaymentRow,
  { owner, doubtWindowMs }: Pick<Hold, 'owner' | 'doubtWindowMs'>,
  now: Instant,
): boolean {
  const ours = payment.live && row.owner === owner && row.takenOver !== true
  const inDoubt = payment.state === 'committed' && !payment.delivered && !ours
  const undelivered = payment.state === 'settled' && !payment.delivered
  if (!inDoubt && !undelivered) return false
  return payment.reportedAt === undefined || now < payment.reportedAt + doubtWindowMs
}
