import type { Instant } from '../money/index.js'
import type { PaymentRow } from './payment-row.js'
import type { LaneChange } from './payment-state.js'
import { isLive } from './payment-view.js'
import type { LaneGrant, LaneRequest, PaymentId } from './port.js'
import type { LedgerTables } from './tables.js'

/**
 * Returns the first free lane of a request. If the payment already has one of the requested lanes, it returns that one.
 */
export function grantLane(
  tables: LedgerTables,
  row: Pick<PaymentRow, 'id' | 'lanes'>,
  request: LaneRequest | undefined,
  now: Instant,
): LaneGrant | 'busy' | 'moved' | undefined {
  if (request === undefined) return undefined
  const names = request.names.toSorted(
    (a, b) => Number(row.lanes.includes(b)) - Number(row.lanes.includes(a)),
  )
  for (const name of names) {
    const lane = tables.lane(name)
    const own = lane?.payment === row.id
    if (!own && lane?.payment !== undefined && !mayBeTakenOver(tables, lane.payment, now)) continue
    const value = lane?.value ?? 0n
    if (request.at !== undefined && request.at !== value) return 'moved'
    if (!own) tables.setLane(name, value, row.id)
    return { name, value }
  }
  return request.otherwise === 'go' ? undefined : 'busy'
}

/**
 * Returns whether another payment may take the lane over. A lane of running totals does not wait for a payment whose
 * process is gone, because the total is already stored.
 */
function mayBeTakenOver(tables: LedgerTables, id: PaymentId, now: Instant): boolean {
  const holder = tables.payment(id)
  return holder?.signed === true && !isLive(tables, holder, now)
}

/**
 * Applies a move's changes to a payment's lanes. A value belongs to the last lane, and only increases. There is one
 * exception: a payment that holds a lane and has proof of its value sets the lane back to that value. Without this, a
 * receipt for a payment that was never submitted could raise the lane to a value that the chain will never reach, and
 * the chain could include no later payment.
 */
export function letGo(
  tables: LedgerTables,
  row: Pick<PaymentRow, 'id' | 'lanes'>,
  { free, value, proven }: LaneChange,
): void {
  for (const [index, name] of row.lanes.entries()) {
    const lane = tables.lane(name)
    if (lane === undefined) continue
    const own = lane.payment === row.id
    const said = index === row.lanes.length - 1 ? value : undefined
    const next = said !== undefined && (said > lane.value || (proven && own)) ? said : lane.value
    const holder: PaymentId | undefined = free && own ? undefined : lane.payment
    if (next !== lane.value || holder !== lane.payment) tables.setLane(name, next, holder)
  }
}
