import type { LaneStep } from './machine.js'
import type { LaneGrant, LaneRequest, PaymentId } from './port.js'
import type { Row } from './row.js'
import type { Shelf } from './shelf.js'

/** The first free lane of a request; the one it has already, where that is among them. */
export function grantLane(
  shelf: Shelf,
  row: Pick<Row, 'id' | 'lanes'>,
  request: LaneRequest | undefined,
): LaneGrant | 'busy' | undefined {
  if (request === undefined) return undefined
  const own = request.names.find((name) => row.lanes.includes(name))
  if (own !== undefined) return { name: own, value: shelf.lane(own)?.value ?? 0n }
  for (const name of request.names) {
    const lane = shelf.lane(name)
    if (lane?.payment !== undefined) continue
    const value = lane?.value ?? 0n
    shelf.setLane(name, value, row.id)
    return { name, value }
  }
  return request.otherwise === 'go' ? undefined : 'busy'
}

/**
 * Writes what a move says about a payment's lanes. A value belongs to the last one, and only rises; but whoever holds
 * a lane and has proven where it stands takes it back there: a receipt for a payment that was never submitted raises
 * it past what the chain will ever reach, and no later payment on it could be included.
 */
export function letGo(shelf: Shelf, row: Pick<Row, 'id' | 'lanes'>, { free, value, proven }: LaneStep): void {
  for (const [index, name] of row.lanes.entries()) {
    const lane = shelf.lane(name)
    if (lane === undefined) continue
    const own = lane.payment === row.id
    const said = index === row.lanes.length - 1 ? value : undefined
    const next = said !== undefined && (said > lane.value || (proven && own)) ? said : lane.value
    const holder: PaymentId | undefined = free && own ? undefined : lane.payment
    if (next !== lane.value || holder !== lane.payment) shelf.setLane(name, next, holder)
  }
}
