import type { Instant } from '../money/index.js'
import type { PreviousPurchase } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { PaymentRow } from './payment-row.js'
import { isLive, viewOf } from './payment-view.js'
import type { Hold, Payment, PurchaseQuery } from './port.js'
import type { LedgerTables } from './tables.js'

/** Purchases are found that are no older: `repeat` looks back thirty days, and a question waits up to seven. */
export const BOUGHT_MS = 38 * 86_400_000

/**
 * When something was bought with this payment. Undefined if nothing was: it was denied or released, or had no price. A
 * payment that is still under way counts, since it may yet settle.
 */
export function purchasedAt({ state, terms, createdAt, charges }: PaymentRow): Instant | undefined {
  if (state === 'denied' || state === 'released' || terms.most.value === 0n) return undefined
  return Math.max(createdAt, ...charges.map(({ at }) => at))
}

/** What policy is told of an earlier purchase of the same request. */
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

/** Does the decision of this hold rest on another purchase of the same request than the newest one there is now? */
export function hasOtherPurchase(tables: LedgerTables, hold: Hold, now: Instant): boolean {
  const { repeat } = hold.decision
  if (repeat === undefined) return false
  const { withinMs, last } = own(repeat)
  return boughtBefore(tables, hold.context.agent, own({ ...hold, withinMs }), now)?.id !== last
}

/**
 * The newest earlier purchase of the same request. Left out are payments that this call goes on with instead of paying
 * anew, and holds that came after its own or that a dead process left.
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
 * Does a payment without an answer stand in the way of the same request? A process that died counts as alive until its
 * lease runs out, so a payment of another process is a doubt as long as it is open: whoever asks waits for its end. Open
 * payments of one process are separate calls, as with any fetch.
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
