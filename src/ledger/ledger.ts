import { completeOwn, own, PaymentError } from '../errors/index.js'
import type { Instant, Units } from '../money/index.js'
import type { CounterClaim, Dimension, Facts, Grant } from '../policy/index.js'
import type { Channel, ChannelQuery } from './channel.js'
import type { Clock, ClockConfirmation } from './clock.js'
import { beginCounting, countsOn, fillSome, isCounted, roomsOf, saveCounted } from './counters.js'
import { dropPins, grantStands, learnFrom, pinAtCommit, readFacts, readPins, versions } from './facts.js'
import { checkGaps, confirmGaps, type Gap, type GapStatement } from './gaps.js'
import { checkHold, denyIn, holdIn } from './hold.js'
import { letGo } from './lanes.js'
import { step } from './machine.js'
import type {
  DueQuery,
  FactsQuery,
  Held,
  Hold,
  Ledger,
  Move,
  Moved,
  Payment,
  PaymentId,
  PaymentQuery,
  PinnedPayee,
  PinQuery,
  Room,
} from './port.js'
import { groupsOf, isProvable, NEVER } from './query.js'
import type { Row } from './row.js'
import { isFilled } from './shapes.js'
import type { DuePage, DueRow, Placed, Shelf, Store } from './shelf.js'
import { takeBack } from './take-back.js'
import { Timekeeper } from './time.js'
import { pause, turn } from './turn.js'
import { isLive, view } from './view.js'

/** How many payments one read of `find` and `due` takes. */
const PAGE = 100
/** How long one step counts payments for a budget that is new, in milliseconds. */
const MOST_FILLING_MS = 6
/** Purchases are found that are no older: `repeat` looks back thirty days, and a question waits up to seven. */
const BOUGHT_MS = 38 * 86_400_000

type Denial = Parameters<Ledger['deny']>[1]

/**
 * The moves that are on the disk before they are answered. After the first two a credential leaves: a power cut must
 * forget neither. The third takes a delivery back: if it were forgotten, the same request would pay again.
 *
 * All other moves say what became of a payment. Recovery finds that out again, and until then the payment counts.
 */
const DURABLE: ReadonlySet<Move['to']> = new Set(['committed', 'learned', 'undelivered'])

/** The ledger's rules over any {@link Store}: stores load and write, and this decides. */
export class StoredLedger implements Ledger {
  readonly #store: Store
  readonly #time: Timekeeper
  #closed = false
  #filling: Promise<void> | undefined

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#time = new Timekeeper(clock)
  }

  id(): Promise<string> {
    return this.#read((shelf) => shelf.meta().id)
  }

  facts(given: FactsQuery): Promise<Facts> {
    const query = own(given)
    if (query.purchase === undefined) return this.#read((shelf, now) => readFacts(shelf, query, now))
    return this.#readCounted(
      (shelf, now) => (shelf.listsBought() ? readFacts(shelf, query, now) : undefined),
      (shelf) => shelf.beginListing(),
    )
  }

  async hold(given: Hold): Promise<Held> {
    const hold = ownHold(given)
    checkHold(hold)
    const allEnded: Payment[] = []
    for (;;) {
      const { held, ended } = await this.#write((shelf, now) => {
        this.#time.check()
        checkGaps(shelf.meta().gaps)
        return holdIn(shelf, hold, now)
      })
      allEnded.push(...ended)
      if (held !== 'again') return own(allEnded.length === 0 ? held : { ...held, ended: allEnded })
      await this.#fill()
    }
  }

  /** Counts what is not counted yet, a little in each step: others write, and the event loop turns, between them. */
  #fill(): Promise<void> {
    this.#filling ??= this.#fillAll().finally(() => {
      this.#filling = undefined
    })
    return this.#filling
  }

  async #fillAll(): Promise<void> {
    for (;;) {
      const filled = await this.#write((shelf, now) => {
        const start = performance.now()
        const goOn = (): boolean => performance.now() - start < MOST_FILLING_MS
        const done = fillSome(shelf, goOn) && shelf.listBought(now - BOUGHT_MS, goOn)
        return { done, taken: performance.now() - start }
      })
      // Whoever waits for the lock tries from time to time: it is free for as long as it was taken.
      await pause(filled.taken)
      if (filled.done) return
    }
  }

  advance(id: PaymentId, move: Move): Promise<Moved> {
    return this.#write((shelf, now) => this.#advance(shelf, id, move, now), DURABLE.has(move.to))
  }

  #advance(shelf: Shelf, id: PaymentId, given: Move, now: Instant): Moved {
    const move = own(given)
    const row = shelf.payment(id)
    if (row === undefined) throw new TypeError('The ledger has no payment of this id')
    const no = (): Moved => ({ ok: false, was: row.state, payment: view(shelf, row, now) })
    if (move.to === 'committed') {
      this.#time.check()
      checkGaps(shelf.meta().gaps)
      if (shelf.meta().frozen !== undefined) return no()
      if (!stillGranted(shelf, row, now)) return no()
      // It waited for a person without counting anywhere, and was not held again after the answer.
      if (row.charges.length === 0) return no()
    }
    const next = step(row, move, now, isLive(shelf, row, now))
    if (next === undefined) return no()
    if (move.to === 'committed' && !pinAtCommit(shelf, row, move, now)) return no()
    letGo(shelf, next.row, next.lane)
    saveCounted(shelf, row, next.row)
    learnFrom(shelf, row, next.row, now)
    return { ok: true, was: row.state, payment: view(shelf, next.row, now) }
  }

  deny(given: Omit<Hold, 'lane'>, why: Denial): Promise<Payment> {
    const hold = ownHold(given)
    const { because, standsMs } = own(why)
    return this.#write((shelf, now) => {
      const row = denyIn(shelf, hold, because, now)
      if (standsMs !== undefined && row.state === 'denied') {
        const { agent } = hold.context
        const { vendor } = hold.resource
        const denial = { operation: hold.pattern, terms: hold.terms, until: now + standsMs }
        shelf.addDenial(agent, vendor, denial, now)
        shelf.bump(versions.agent(agent, vendor))
      }
      return view(shelf, row, now)
    })
  }

  async room(claims: readonly CounterClaim[]): Promise<readonly Room[]> {
    return this.#readCounted(
      (shelf) => (isCounted(shelf, claims) ? roomsOf(shelf, claims) : undefined),
      (shelf) => beginCounting(shelf, claims),
    )
  }

  family(claim: CounterClaim, dimension: Dimension): Promise<readonly CounterClaim[]> {
    return this.#readCounted((shelf) => {
      if (!shelf.shapes().every(isFilled)) return undefined
      const counters = shelf.family(claim, dimension)
      return counters.map(({ scope }) => own({ ...claim, scope: own({ ...claim.scope, ...scope }) }))
    })
  }

  /** Reads, and until everything is counted that the answer needs, counts it. */
  async #readCounted<T extends object>(
    use: (shelf: Shelf, now: Instant) => T | undefined,
    begin: (shelf: Shelf) => boolean = () => false,
  ): Promise<T> {
    for (;;) {
      const answer = await this.#read(use)
      if (answer !== undefined) return answer
      if (!(await this.#write(begin))) await this.#fill()
    }
  }

  get(id: PaymentId): Promise<Payment | undefined> {
    return this.#read((shelf, now) => {
      const row = shelf.payment(id)
      return row === undefined ? undefined : view(shelf, row, now)
    })
  }

  async *find(given: PaymentQuery): AsyncIterable<Payment> {
    const query = own(given)
    let left = query.limit ?? Number.POSITIVE_INFINITY
    let after: number | undefined
    while (left > 0) {
      const size = Math.min(PAGE, left)
      if (after !== undefined) await turn()
      const page = await this.#read((shelf, now) => {
        const { rows, next } = shelf.find(query, after, size)
        return { payments: seen(shelf, rows, now), next }
      })
      yield* page.payments
      left -= page.payments.length
      after = page.next
      if (after === undefined) return
    }
  }

  async *due(query: DueQuery): AsyncIterable<Payment> {
    let left = query.limit ?? Number.POSITIVE_INFINITY
    const given = new Set<PaymentId>()
    for await (const payment of this.#dueRows(query)) {
      if (left <= 0) return
      // What was looked at meanwhile may have moved to where it is still to come.
      if (given.has(payment.id)) continue
      given.add(payment.id)
      left--
      yield payment
    }
  }

  /** Each read takes a page of what is due, whether or not it counts where the query asks: no read takes long. */
  async *#dueRows(query: DueQuery): AsyncIterable<Payment> {
    const { which, order = 'oldest' } = query
    const to = which === 'all' ? NEVER : await this.#read((_, now) => now)
    for (const group of groupsOf(query)) {
      let after: DueRow | undefined
      do {
        if (after !== undefined) await turn()
        const page: DuePage = { to, order, after, limit: PAGE }
        const rows = await this.#read((shelf, now) => {
          const found = shelf.due(group, page, now)
          const wanted = found.filter(({ row }) => isProvable(row, query) && countsOn(shelf, row, query.on))
          return { payments: seen(shelf, wanted, now), last: found.length < PAGE ? undefined : found.at(-1) }
        })
        yield* rows.payments
        after = rows.last
      } while (after !== undefined)
    }
  }

  renew(owner: string, ttlMs: number): Promise<void> {
    return this.#write((shelf, now) => shelf.setOwner(owner, now + ttlMs))
  }

  retire(owner: string): Promise<void> {
    return this.#write((shelf) => shelf.setOwner(owner, undefined))
  }

  freeze(why: string): Promise<void> {
    return this.#write((shelf) => shelf.setMeta({ frozen: why }), true)
  }

  unfreeze(): Promise<void> {
    return this.#write((shelf) => shelf.setMeta({ frozen: undefined }), true)
  }

  frozen(): Promise<string | undefined> {
    return this.#read((shelf) => shelf.meta().frozen)
  }

  grant(grant: Grant): Promise<void> {
    return this.#write((shelf, now) => {
      shelf.setGrant(grant, now)
      shelf.bump(versions.agent(grant.agent, grant.vendor))
    }, true)
  }

  grants(): Promise<readonly Grant[]> {
    return this.#read((shelf, now) => shelf.allGrants().filter(({ until }) => until > now))
  }

  revoke(grantId: string): Promise<boolean> {
    return this.#write((shelf) => {
      const grant = shelf.dropGrant(grantId)
      if (grant !== undefined) shelf.bump(versions.agent(grant.agent, grant.vendor))
      return grant !== undefined
    }, true)
  }

  pins(query: PinQuery = {}): Promise<readonly PinnedPayee[]> {
    return this.#read((shelf, now) => readPins(shelf, query, now))
  }

  unpin(query: PinQuery & { readonly vendor: string }): Promise<number> {
    return this.#write((shelf) => dropPins(shelf, query), true)
  }

  advertise(query: Omit<FactsQuery, 'agent'>, units: Units): Promise<void> {
    return this.#write((shelf) => {
      if (shelf.advertised(query) === units) return
      shelf.setAdvertised(query, units)
      shelf.bump(versions.operation(query))
    })
  }

  channels(query: ChannelQuery): Promise<readonly Channel[]> {
    return this.#read((shelf) => shelf.channels(own(query)))
  }

  putChannel(channel: Channel): Promise<boolean> {
    return this.#write((shelf, now) => {
      const stored = shelf.channels({ slot: channel.slot }).find(({ lane }) => lane === channel.lane)
      if ((stored?.rev ?? 0) !== channel.rev) return false
      shelf.setChannel(Object.freeze({ ...channel, rev: channel.rev + 1 }))
      // What has come back is locked up no more: both are written, or neither.
      const behind = channel.state === 'closed' ? [] : channel.funding
      for (const id of new Set([...(stored?.funding ?? []), ...channel.funding]))
        if (!behind.includes(id)) this.#advance(shelf, id, { to: 'unlocked' }, now)
      return true
    }, true)
  }

  signed(lane: string): Promise<bigint> {
    return this.#read((shelf) => shelf.lane(lane)?.value ?? 0n)
  }

  async confirmClock({ to = 'store' }: ClockConfirmation = {}): Promise<void> {
    if (to !== 'store' && to !== 'wall') throw new TypeError("confirmClock: `to` must be 'store' or 'wall'")
    this.#open()
    await this.#store.write((shelf) => {
      const { high, clock } = shelf.meta()
      const wall = this.#time.wall()
      if (to === 'wall' && wall < high) {
        takeBack(shelf, high, wall)
        shelf.setMeta({ high: wall, clock: { ...clock, unseen: [], lowered: clock.lowered + 1 } })
      } else shelf.setMeta({ clock: this.#time.confirm(shelf.meta()) })
      const { now, clock: after } = this.#time.step(shelf.meta())
      shelf.setMeta({ high: Math.max(now, shelf.meta().high), clock: after })
    }, true)
  }

  hearTime(source: string, at: Instant): number {
    return this.#time.hear(source, at)
  }

  gaps(): Promise<readonly Gap[]> {
    return this.#read((shelf) => shelf.meta().gaps)
  }

  confirmGaps(statement: GapStatement): Promise<readonly Gap[] | undefined> {
    return this.#write((shelf, now) => {
      const gaps = confirmGaps(shelf.meta().gaps, statement, now)
      if (gaps === undefined) return undefined
      shelf.setMeta({ gaps })
      for (const { id, agent, vendor } of shelf.allGrants()) {
        shelf.dropGrant(id)
        shelf.bump(versions.agent(agent, vendor))
      }
      return gaps
    }, true)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#store.close()
  }

  async #read<T>(use: (shelf: Shelf, now: Instant) => T): Promise<T> {
    this.#open()
    return this.#store.read((shelf) => use(shelf, this.#time.look(shelf.meta())))
  }

  /** One atomic step. What time it was is written with it, so that time never goes back for anybody. */
  async #write<T>(use: (shelf: Shelf, now: Instant) => T, durable = false): Promise<T> {
    this.#open()
    return this.#store.write((shelf) => {
      const meta = shelf.meta()
      const { now, clock } = this.#time.step(meta)
      if (clock !== meta.clock) shelf.setMeta({ clock })
      const answer = use(shelf, now)
      if (now > meta.high) shelf.setMeta({ high: now })
      return answer
    }, durable)
  }

  #open(): void {
    if (this.#closed) throw new PaymentError('closed', 'untouched', 'The ledger is closed')
  }
}

/** Whatever a hold, its decision or its terms leave out is absent, and nothing that objects inherit. */
function ownHold<H extends Omit<Hold, 'lane'>>(hold: H): H {
  const { decision, context, terms } = hold
  // Terms stay the object that they are: an attempt on the same terms does not store them twice.
  completeOwn(terms, ['fee', 'locks', 'escrow'])
  return own({ ...hold, decision: own(decision), context: own(context) })
}

/** An approval that was revoked while the wallet signed covers nothing: what was signed does not leave. */
function stillGranted(shelf: Shelf, { charges, context, resource }: Row, now: Instant): boolean {
  const grant = charges.at(-1)?.dimensions.grant
  return grantStands(shelf, { agent: context.agent, vendor: resource.vendor, grant }, now)
}

function seen(shelf: Shelf, page: readonly Placed[], now: Instant): readonly Payment[] {
  return page.map(({ row }) => view(shelf, row, now))
}
