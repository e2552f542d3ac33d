import type { Instant } from '../money/index.js'
import type { PaymentRow } from './payment-row.js'
import type { LaneChange } from './payment-state.js'
import { isLive } from './payment-view.js'
import type { LaneGrant, LaneRequest, PaymentId } from './port.js'
import type { LedgerTables } from './tables.js'

/** The first free lane of a request; the one it has already, where that is among them. */
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

/** A lane of running totals does not wait for the end of a payment whose process is gone: its total is written down. */
function mayBeTakenOver(tables: LedgerTables, id: PaymentId, now: Instant): boolean {
  const holder = tables.payment(id)
  return holder?.signed === true && !isLive(tables, holder, now)
}

/**
 * Writes what a move says about a payment's lanes. A value belongs to the last one, and only rises; but whoever holds
 * a lane and has proven where it stands takes it back there: a receipt for a payment that was never submitted raises
 * it past what the chain will ever reach, and no later payment on it could be included.
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
