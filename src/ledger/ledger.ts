import type { Instant, Units } from '../money/index.js'
import type { CounterClaim, Dimension, Facts, Grant } from '../policy/index.js'
import { completeOwn, own } from '../util/objects.js'
import { nextTurn, sleep } from '../util/timers.js'
import type { AnswerResult, Approval, ApprovalId, GivenAnswer, WithdrawReason } from './approval.js'
import { answerIn, askIn, closeApprovals, useApproval, viewOfApproval, withdrawIn } from './approval-steps.js'
import { ApprovalWatch } from './approval-watch.js'
import type { Channel } from './channel.js'
import type { Clock, ClockConfirmation } from './clock.js'
import { beginCounting, countsOn, fillSome, isCounted, roomsOf, saveCounted } from './counters.js'
import { dropPins, learnFrom, pinAtCommit, readFacts, stillGranted, versions } from './facts.js'
import { claimsOn } from './family.js'
import { checkGaps, confirmGaps, type Gap, type GapStatement } from './gaps.js'
import { checkHold, denyIn, holdIn } from './hold.js'
import { letGo } from './lanes.js'
import type { LedgerView } from './ledger-view.js'
import { lowerTime } from './lower-time.js'
import type { PaymentRow } from './payment-row.js'
import { applyMove } from './payment-state.js'
import { isLive, viewOf } from './payment-view.js'
import type {
  AskInput,
  AskResult,
  DueQuery,
  FactsQuery,
  Hold,
  HoldResult,
  Ledger,
  Move,
  MoveResult,
  Payment,
  PaymentId,
  PinQuery,
  Room,
} from './port.js'
import { BOUGHT_MS } from './purchases.js'
import { groupsOf, isProvable, NEVER } from './query.js'
import { LedgerReads, PAGE, type ReadableStore, viewsOf } from './reads.js'
import { isFilled } from './shapes.js'
import type { DuePage, DueRow, LedgerTables, Store } from './tables.js'
import { Timekeeper } from './timekeeper.js'
import { StoredLedgerView } from './view.js'

/** The maximum time that one step counts payments for a new budget, in milliseconds. */
const MOST_FILLING_MS = 6

type Denial = Parameters<Ledger['deny']>[1]

/**
 * The moves that are synced to the disk before they are answered. After `committed` and `evidence`, a credential is
 * sent, so a power cut must not lose them. `undelivered` reverses a delivery. If it were lost, the same request would
 * be paid again.
 *
 * All other moves record the outcome of a payment. Recovery can find that outcome again, and until then the payment
 * counts.
 */
const DURABLE: ReadonlySet<Move['to']> = new Set(['committed', 'evidence', 'undelivered'])

/** Applies the ledger's rules over any {@link Store}. Stores load and write rows, and this class decides. */
export class StoredLedger extends LedgerReads implements Ledger {
  readonly #store: Store
  #filling: Promise<void> | undefined
  readonly #watch = new ApprovalWatch((ids) => this.#approvalsOf(ids))

  constructor(store: Store, clock: Clock) {
    super(store, new Timekeeper(clock))
    this.#store = store
  }

  override facts(given: FactsQuery): Promise<Facts> {
    const query = own(given)
    if (query.purchase === undefined) return super.facts(query)
    return this.#readCounted(
      (tables, now) => (tables.listsPurchases() ? readFacts(tables, query, now) : undefined),
      (tables) => tables.beginListing(),
    )
  }

  async hold(given: Hold): Promise<HoldResult> {
    const hold = ownHold(given)
    checkHold(hold)
    const allEnded: Payment[] = []
    for (;;) {
      const { held, ended } = await this.#write((tables, now) => {
        this.time.check()
        checkGaps(tables.meta().gaps)
        return holdIn(tables, hold, now)
      })
      allEnded.push(...ended)
      if (held !== 'again') return own(allEnded.length === 0 ? held : { ...held, ended: allEnded })
      await this.#fill()
    }
  }

  async ask(given: AskInput): Promise<AskResult> {
    const input = own({ ...given, hold: ownHold(given.hold) })
    checkHold(input.hold)
    const allEnded: Payment[] = []
    for (;;) {
      const { asked, ended } = await this.#write((tables, now) => {
        this.time.check()
        checkGaps(tables.meta().gaps)
        return askIn(tables, input, now, (hold) => holdIn(tables, hold, now))
      })
      allEnded.push(...ended)
      if (asked !== 'again') return own(allEnded.length === 0 ? asked : { ...asked, ended: allEnded })
      await this.#fill()
    }
  }

  async answer(id: ApprovalId, given: GivenAnswer): Promise<AnswerResult> {
    const answer = own(given)
    const result = await this.#write((tables, now) => answerIn(tables, id, answer, now), true)
    this.#watch.changed(id)
    return result
  }

  async withdraw(id: ApprovalId, why: WithdrawReason | 'expired'): Promise<Approval | undefined> {
    const approval = await this.#write((tables, now) => withdrawIn(tables, id, why, now))
    this.#watch.changed(id)
    return approval
  }

  untilApproval(
    id: ApprovalId,
    matches: (approval: Approval) => boolean,
    signal?: AbortSignal,
  ): Promise<Approval | undefined> {
    return this.#watch.until(id, matches, signal)
  }

  #approvalsOf(ids: readonly ApprovalId[]): Promise<readonly (Approval | undefined)[]> {
    return this.read((tables, now) =>
      ids.map((id) => {
        const row = tables.approval(id)
        return row === undefined ? undefined : viewOfApproval(tables, row, now)
      }),
    )
  }

  /**
   * Counts the payments that are not counted yet, a few in each step. Between the steps, other processes write and the
   * event loop runs.
   */
  #fill(): Promise<void> {
    this.#filling ??= this.#fillAll().finally(() => {
      this.#filling = undefined
    })
    return this.#filling
  }

  async #fillAll(): Promise<void> {
    for (;;) {
      let start: number | undefined
      const filled = await this.#write((tables, now) => {
        // A step may run more than once. The time limit includes all of its runs.
        start ??= performance.now()
        const began = start
        const goOn = (): boolean => performance.now() - began < MOST_FILLING_MS
        const done = fillSome(tables, goOn) && tables.listPurchases(now - BOUGHT_MS, goOn)
        return { done, taken: performance.now() - began }
      })
      // Other processes retry the lock at intervals, so it stays free for as long as this step held it.
      await sleep(filled.taken)
      if (filled.done) return
    }
  }

  advance(id: PaymentId, move: Move): Promise<MoveResult> {
    return this.#write((tables, now) => this.#advance(tables, id, move, now), DURABLE.has(move.to))
  }

  #advance(tables: LedgerTables, id: PaymentId, given: Move, now: Instant): MoveResult {
    const move = own(given)
    const row = tables.payment(id)
    if (row === undefined) throw new TypeError('The ledger has no payment of this id')
    const no = (): MoveResult => ({ ok: false, was: row.state, payment: viewOf(tables, row, now) })
    if (move.to === 'committed') {
      this.time.check()
      checkGaps(tables.meta().gaps)
      if (tables.meta().frozen !== undefined) return no()
      if (!stillGranted(tables, row, now)) return no()
      // The payment waited for a person without counting on any counter, and was not held again after the answer.
      if (row.charges.length === 0) return no()
      if (!isApproved(tables, row, move, now)) return no()
    }
    const next = applyMove(row, move, now, isLive(tables, row, now))
    if (next === undefined) return no()
    if (move.to === 'committed' && !pinAtCommit(tables, row, move, now)) return no()
    letGo(tables, next.row, next.lane)
    saveCounted(tables, row, next.row)
    learnFrom(tables, row, next.row, now)
    return { ok: true, was: row.state, payment: viewOf(tables, next.row, now) }
  }

  deny(given: Omit<Hold, 'lane'>, why: Denial): Promise<Payment> {
    const hold = ownHold(given)
    const { reason, standsMs } = own(why)
    return this.#write((tables, now) => {
      const row = denyIn(tables, hold, reason, now)
      if (standsMs !== undefined && row.state === 'denied') {
        const { agent } = hold.context
        const { vendor } = hold.resource
        const denial = { operation: hold.pattern, terms: hold.terms, until: now + standsMs }
        tables.addDenial(agent, vendor, denial, now)
        tables.bump(versions.agent(agent, vendor))
      }
      return viewOf(tables, row, now)
    })
  }

  async room(claims: readonly CounterClaim[]): Promise<readonly Room[]> {
    return this.#readCounted(
      (tables) => (isCounted(tables, claims) ? roomsOf(tables, claims) : undefined),
      (tables) => beginCounting(tables, claims),
    )
  }

  family(claim: CounterClaim, dimension: Dimension): Promise<readonly CounterClaim[]> {
    return this.#readCounted((tables) => {
      if (!tables.shapes().every(isFilled)) return undefined
      return claimsOn(claim, tables.family(claim, dimension))
    })
  }

  /** Runs a read. If the read needs counters that are not complete, it counts payments until they are. */
  async #readCounted<T extends object>(
    use: (tables: LedgerTables, now: Instant) => T | undefined,
    begin: (tables: LedgerTables) => boolean = () => false,
  ): Promise<T> {
    for (;;) {
      const answer = await this.read(use)
      if (answer !== undefined) return answer
      if (!(await this.#write(begin))) await this.#fill()
    }
  }

  async *due(query: DueQuery): AsyncIterable<Payment> {
    let left = query.limit ?? Number.POSITIVE_INFINITY
    const given = new Set<PaymentId>()
    for await (const payment of this.#dueRows(query)) {
      if (left <= 0) return
      // A payment that was already returned may have moved to a later position in the list.
      if (given.has(payment.id)) continue
      given.add(payment.id)
      left--
      yield payment
    }
  }

  /**
   * Reads due payments in pages. A page includes payments that do not count where the query asks, so no read takes
   * long.
   */
  async *#dueRows(query: DueQuery): AsyncIterable<Payment> {
    const { which, order = 'oldest' } = query
    const to = which === 'all' ? NEVER : await this.read((_, now) => now)
    for (const group of groupsOf(query)) {
      let after: DueRow | undefined
      do {
        if (after !== undefined) await nextTurn()
        const page: DuePage = { to, order, after, limit: PAGE }
        const rows = await this.read((tables, now) => {
          const found = tables.due(group, page, now)
          const wanted = found.filter(({ row }) => isProvable(row, query) && countsOn(tables, row, query.on))
          return {
            payments: viewsOf(tables, wanted, now),
            last: found.length < PAGE ? undefined : found.at(-1),
          }
        })
        yield* rows.payments
        after = rows.last
      } while (after !== undefined)
    }
  }

  renew(owner: string, ttlMs: number): Promise<void> {
    return this.#write((tables, now) => tables.setOwner(owner, now + ttlMs))
  }

  retire(owner: string): Promise<void> {
    return this.#write((tables) => tables.setOwner(owner, undefined))
  }

  freeze(why: string): Promise<void> {
    return this.#write((tables) => tables.setMeta({ frozen: why }), true)
  }

  unfreeze(): Promise<void> {
    return this.#write((tables) => tables.setMeta({ frozen: undefined }), true)
  }

  grant(grant: Grant): Promise<void> {
    return this.#write((tables, now) => {
      tables.setGrant(grant, now)
      tables.bump(versions.agent(grant.agent, grant.vendor))
    }, true)
  }

  revoke(grantId: string): Promise<boolean> {
    return this.#write((tables) => {
      const grant = tables.dropGrant(grantId)
      if (grant !== undefined) tables.bump(versions.agent(grant.agent, grant.vendor))
      return grant !== undefined
    }, true)
  }

  unpin(query: PinQuery & { readonly vendor: string }): Promise<number> {
    return this.#write((tables) => dropPins(tables, query), true)
  }

  advertise(query: Omit<FactsQuery, 'agent'>, units: Units): Promise<void> {
    return this.#write((tables) => {
      if (tables.advertised(query) === units) return
      tables.setAdvertised(query, units)
      tables.bump(versions.operation(query))
    })
  }

  putChannel(channel: Channel): Promise<boolean> {
    return this.#write((tables, now) => {
      const stored = tables.channels({ slot: channel.slot }).find(({ lane }) => lane === channel.lane)
      if ((stored?.rev ?? 0) !== channel.rev) return false
      tables.setChannel(Object.freeze({ ...channel, rev: channel.rev + 1 }))
      // A deposit that has come back is not locked up any more. The step writes both changes or neither.
      const behind = channel.state === 'closed' ? [] : channel.funding
      for (const id of new Set([...(stored?.funding ?? []), ...channel.funding]))
        if (!behind.includes(id)) this.#advance(tables, id, { to: 'unlocked' }, now)
      return true
    }, true)
  }

  async confirmClock({ to = 'store' }: ClockConfirmation = {}): Promise<void> {
    if (to !== 'store' && to !== 'wall') throw new TypeError("confirmClock: `to` must be 'store' or 'wall'")
    this.checkOpen()
    await this.#store.write((tables) => {
      const { high, clock } = tables.meta()
      const wall = this.time.wall()
      if (to === 'wall' && wall < high) {
        lowerTime(tables, high, wall)
        tables.setMeta({ high: wall, clock: { ...clock, unseen: [], lowered: clock.lowered + 1 } })
      } else tables.setMeta({ clock: this.time.confirm(tables.meta()) })
      const { now, clock: after } = this.time.step(tables.meta())
      tables.setMeta({ high: Math.max(now, tables.meta().high), clock: after })
    }, true)
  }

  view(): LedgerView {
    const store = this.#store
    // The ledger stays open when its view is closed.
    const readable: ReadableStore = {
      read: (use, rehearse) => store.read(use, rehearse),
      close: async () => undefined,
    }
    return new StoredLedgerView(readable, this.time)
  }

  hearTime(source: string, at: Instant): number {
    return this.time.hear(source, at)
  }

  override async close(): Promise<void> {
    this.#watch.close()
    await super.close()
  }

  confirmGaps(statement: GapStatement): Promise<readonly Gap[] | undefined> {
    return this.#write((tables, now) => {
      const gaps = confirmGaps(tables.meta().gaps, statement, now)
      if (gaps === undefined) return undefined
      tables.setMeta({ gaps })
      closeApprovals(tables)
      for (const { id, agent, vendor } of tables.allGrants()) {
        tables.dropGrant(id)
        tables.bump(versions.agent(agent, vendor))
      }
      return gaps
    }, true)
  }

  /** Runs one atomic step. It writes the time of the step with it, so the time never goes back for any process. */
  async #write<T>(use: (tables: LedgerTables, now: Instant) => T, durable = false): Promise<T> {
    this.checkOpen()
    const run = (tables: LedgerTables): T => {
      const meta = tables.meta()
      const { now, clock } = this.time.step(meta)
      if (clock !== meta.clock) tables.setMeta({ clock })
      const answer = use(tables, now)
      if (now > meta.high) tables.setMeta({ high: now })
      return answer
    }
    return this.#store.write(run, durable, (tables) => void use(tables, this.time.about(tables.meta())))
  }
}

/**
 * Returns whether a person has approved a payment that policy asks about. The step uses the yes up. A further attempt of
 * a payment that was committed is no worse, and needs no other yes.
 */
function isApproved(
  tables: LedgerTables,
  row: PaymentRow,
  { approval, attempt }: Extract<Move, { to: 'committed' }>,
  now: Instant,
): boolean {
  if (row.attempts.length > 0) return true
  if (approval === undefined) return row.effect !== 'ask'
  return useApproval(tables, approval, { ...row, terms: attempt.terms }, now)
}

/** Copies a hold, its decision and its terms. A value that they omit is absent, even if the object inherits it. */
function ownHold<H extends Omit<Hold, 'lane'>>(hold: H): H {
  const { decision, context, terms } = hold
  // The terms stay the same object, so an attempt on the same terms does not store them twice.
  completeOwn(terms, ['fee', 'locks', 'escrow'])
  return own({ ...hold, decision: own(decision), context: own(context) })
}
