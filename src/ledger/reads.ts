import { PaymentError } from '../errors/index.js'
import type { Instant } from '../money/index.js'
import type { Facts, Grant } from '../policy/index.js'
import { own } from '../util/objects.js'
import { nextTurn } from '../util/timers.js'
import type { Approval, ApprovalId, ApprovalQuery, ApprovalRow } from './approval.js'
import { viewOfApproval } from './approval-steps.js'
import type { Channel, ChannelQuery } from './channel.js'
import { readFacts, readPins } from './facts.js'
import type { Gap } from './gaps.js'
import { viewOf } from './payment-view.js'
import type { FactsQuery, Payment, PaymentId, PaymentQuery, PinnedPayee, PinQuery } from './port.js'
import type { LedgerTables, Store, StoredRow } from './tables.js'
import type { Timekeeper } from './timekeeper.js'

/** The number of payments in one read of a list. */
export const PAGE = 100

/** The part of a store that reads. */
export type ReadableStore = Pick<Store, 'read' | 'close'>

/** Reads a ledger without writing to it. */
export class LedgerReads {
  readonly #store: ReadableStore
  protected readonly time: Timekeeper
  #closed = false

  constructor(store: ReadableStore, time: Timekeeper) {
    this.#store = store
    this.time = time
  }

  id(): Promise<string> {
    return this.read((tables) => tables.meta().id)
  }

  facts(query: FactsQuery): Promise<Facts> {
    return this.read((tables, now) => readFacts(tables, own(query), now))
  }

  get(id: PaymentId): Promise<Payment | undefined> {
    return this.read((tables, now) => {
      const row = tables.payment(id)
      return row === undefined ? undefined : viewOf(tables, row, now)
    })
  }

  async *find(given: PaymentQuery): AsyncGenerator<Payment> {
    const query = own(given)
    let left = query.limit ?? Number.POSITIVE_INFINITY
    let after: number | undefined
    while (left > 0) {
      const size = Math.min(PAGE, left)
      if (after !== undefined) await nextTurn()
      const page = await this.read((tables, now) => {
        const { rows, next } = tables.find(query, after, size)
        return { payments: viewsOf(tables, rows, now), next }
      })
      yield* page.payments
      left -= page.payments.length
      after = page.next
      if (after === undefined) return
    }
  }

  frozen(): Promise<string | undefined> {
    return this.read((tables) => tables.meta().frozen)
  }

  grants(): Promise<readonly Grant[]> {
    return this.read((tables, now) => tables.allGrants().filter(({ until }) => until > now))
  }

  pins(query: PinQuery = {}): Promise<readonly PinnedPayee[]> {
    return this.read((tables, now) => readPins(tables, query, now))
  }

  approval(id: ApprovalId): Promise<Approval | undefined> {
    return this.read((tables, now) => {
      const row = tables.approval(id)
      return row === undefined ? undefined : viewOfApproval(tables, row, now)
    })
  }

  async approvals(query: ApprovalQuery = {}): Promise<readonly Approval[]> {
    const { states, agent, vendor, limit = PAGE } = own(query)
    const onlyWaiting = states?.every((state) => state === 'waiting') === true
    const found: Approval[] = []
    let before: number | undefined
    do {
      const start: number | undefined = before
      const page = await this.read((tables, now) => {
        const view = (row: ApprovalRow): Approval => viewOfApproval(tables, row, now)
        if (onlyWaiting) return { rows: tables.openApprovals().map(view).reverse() }
        const { rows, next } = tables.approvals(start, PAGE)
        return { rows: rows.map(view), next }
      })
      for (const approval of page.rows) {
        if (states !== undefined && !states.includes(approval.state)) continue
        if (agent !== undefined && approval.agent !== agent) continue
        if (vendor !== undefined && approval.resource.vendor !== vendor) continue
        found.push(approval)
      }
      before = page.next
    } while (before !== undefined && found.length < limit)
    return found.slice(0, limit)
  }

  channels(query: ChannelQuery): Promise<readonly Channel[]> {
    return this.read((tables) => tables.channels(own(query)))
  }

  signed(lane: string): Promise<bigint> {
    return this.read((tables) => tables.lane(lane)?.value ?? 0n)
  }

  gaps(): Promise<readonly Gap[]> {
    return this.read((tables) => tables.meta().gaps)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#store.close()
  }

  protected async read<T>(use: (tables: LedgerTables, now: Instant) => T): Promise<T> {
    this.checkOpen()
    return this.#store.read(
      (tables) => use(tables, this.time.look(tables.meta())),
      (tables) => void use(tables, this.time.about(tables.meta())),
    )
  }

  protected checkOpen(): void {
    if (this.#closed) throw new PaymentError('closed', 'untouched', 'The ledger is closed')
  }
}

export function viewsOf(tables: LedgerTables, rows: readonly StoredRow[], now: Instant): readonly Payment[] {
  return rows.map(({ row }) => viewOf(tables, row, now))
}
