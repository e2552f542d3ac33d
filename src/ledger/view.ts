import type { Instant } from '../money/index.js'
import {
  type Context,
  type CounterClaim,
  createPolicy,
  type Dimension,
  type Policy,
  type PolicyDocument,
  windowOf,
} from '../policy/index.js'
import { own } from '../util/objects.js'
import { nextTurn } from '../util/timers.js'
import type { Approval, ApprovalQuery } from './approval.js'
import { budgetsOf } from './budgets.js'
import type { Channel, ChannelQuery } from './channel.js'
import { isCounted, reaching, roomOf, roomsOf } from './counters.js'
import { type Counter, type Counts, counterOf, keyOf, total, type Weight, weights } from './counts.js'
import { claimBy, claimsOn, sameFamily } from './family.js'
import type { Budget, BudgetsQuery, CounterDifference, CounterSum, LedgerView } from './ledger-view.js'
import type { Payment, PaymentId, PaymentQuery, PinnedPayee, PinQuery, Room } from './port.js'
import { approvalQuery, channelQuery, paymentQuery, pinQuery } from './query-options.js'
import { LedgerReads } from './reads.js'
import { isFilled, type KnownShape, shapeFor, shapeOf } from './shapes.js'

/** The number of counters that one read of {@link LedgerView.counters} adds up. */
const PAGE = 100

/** A view of any ledger of this package. */
export class StoredLedgerView extends LedgerReads implements LedgerView {
  payment(id: PaymentId): Promise<Payment | undefined> {
    return this.get(id)
  }

  payments(query: PaymentQuery = {}): AsyncGenerator<Payment> {
    return this.find(paymentQuery(query))
  }

  override approvals(query: ApprovalQuery = {}): Promise<readonly Approval[]> {
    return super.approvals(approvalQuery(query))
  }

  override channels(query: ChannelQuery = {}): Promise<readonly Channel[]> {
    return super.channels(channelQuery(query))
  }

  override pins(query: PinQuery = {}): Promise<readonly PinnedPayee[]> {
    return super.pins(pinQuery(query))
  }

  async budgets(given: Policy | PolicyDocument, query: BudgetsQuery = {}): Promise<readonly Budget[]> {
    const { agent = 'agent', tasks = [], tool } = own(query)
    const context: Context = own(tool === undefined ? { agent, tasks } : { agent, tasks, tool })
    const policy = isPolicy(given) ? given : createPolicy(given)
    await policy.ready()
    return budgetsOf(policy, this, context)
  }

  async counters(): Promise<readonly CounterSum[]> {
    const claims = await this.read((tables, now) =>
      tables.counters().flatMap((counter) => claimAt(counter, now)),
    )
    const sums: CounterSum[] = []
    for (let at = 0; at < claims.length; at += PAGE) {
      for (const { claim, spent, held } of await this.room(claims.slice(at, at + PAGE))) {
        const { counts, window, scope, resetsAt } = claim
        const sum = { counts, window, scope, spent, held }
        if (spent > 0n || held > 0n) sums.push(own(resetsAt === undefined ? sum : { ...sum, resetsAt }))
      }
      await nextTurn()
    }
    return sums
  }

  /** Reads counters. If the ledger does not keep a counter, or has not filled it yet, the view adds up its payments. */
  async room(claims: readonly CounterClaim[]): Promise<readonly Room[]> {
    const missing = await this.read((tables) => claims.filter((claim) => !isCounted(tables, [claim])))
    const sums = await this.#sumsOf(missing)
    return this.read((tables) => {
      const kept = roomsOf(
        tables,
        claims.filter((claim) => !sums.has(claim)),
      )
      const summed = Array.from(sums, ([claim, counts]) => roomOf(tables, claim, counts))
      const rooms = new Map([...kept, ...summed].map((room) => [room.claim, room]))
      return claims.flatMap((claim) => rooms.get(claim) ?? [])
    })
  }

  async verify(): Promise<readonly CounterDifference[]> {
    const claims = await this.read((tables, now) =>
      tables
        .counters()
        .flatMap((counter) => claimAt(counter, now))
        .filter((claim) => isCounted(tables, [claim])),
    )
    const kept = await this.room(claims)
    const sums = await this.#sumsOf(claims)
    const summed = await this.read((tables) =>
      claims.map((claim) => roomOf(tables, claim, sums.get(claim) ?? NOTHING)),
    )
    return claims.flatMap(({ counts, window, scope }, at) => {
      const [a, b] = [kept[at], summed[at]]
      if (a === undefined || b === undefined || (a.spent === b.spent && a.held === b.held)) return []
      return [own({ counts, window, scope, kept: a.spent + a.held, summed: b.spent + b.held })]
    })
  }

  async family(claim: CounterClaim, dimension: Dimension): Promise<readonly CounterClaim[]> {
    const any = claimBy(claim, dimension)
    const kept = await this.read((tables) =>
      tables.shapes().every(isFilled) && shapeFor(tables.shapes(), any) !== undefined
        ? tables.family(claim, dimension)
        : undefined,
    )
    if (kept !== undefined) return claimsOn(claim, kept)
    const keys = new Set<string>()
    await this.#eachPayment([any], (weighed, [{ from } = any]) => {
      for (const [key, weight] of weighed) if (weight.at >= from && total(weight) > 0n) keys.add(key)
    })
    const counters = [...keys].flatMap((key) => counterOf(key) ?? [])
    return claimsOn(
      claim,
      counters.filter((counter) => sameFamily(counter, claim, dimension)),
    )
  }

  /** Adds up the payments of counters. */
  async #sumsOf(claims: readonly CounterClaim[]): Promise<Map<CounterClaim, Counts>> {
    const sums = new Map<CounterClaim, Counts>(claims.map((claim) => [claim, NOTHING]))
    await this.#eachPayment(claims, (weighed, reached) => {
      for (const [index, claim] of claims.entries()) {
        const weight = weighed.get(keyOf(claim))
        if (weight === undefined || weight.at < (reached[index]?.from ?? 0)) continue
        const { counted, held } = sums.get(claim) ?? NOTHING
        sums.set(claim, { counted: counted + total(weight), held: held + weight.held })
      }
    })
    return sums
  }

  /** Calculates what each stored payment counts for, on its own counters and on the counters of the claims. */
  async #eachPayment(
    claims: readonly CounterClaim[],
    use: (weighed: ReadonlyMap<string, Weight>, reached: readonly CounterClaim[]) => void,
  ): Promise<void> {
    if (claims.length === 0) return
    const { reached, until } = await this.read((tables) => ({
      reached: claims.map((claim) => reaching(tables, claim)),
      until: tables.last(),
    }))
    const shapes = reached.map((claim): KnownShape => {
      const fill = { number: 0, from: claim.from, at: claim.at, through: until, until }
      return own({ ...shapeOf(claim), fill })
    })
    const from = Math.min(...reached.map((claim) => claim.from))
    for (let after: number | undefined = 0; after !== undefined && after < until; ) {
      const start: number = after
      const page = await this.read((tables) => tables.candidates({ from, until }, start))
      for (const { row } of page.rows) use(weights(row, shapes), reached)
      after = page.next
      await nextTurn()
    }
  }
}

const NOTHING: Counts = Object.freeze({ counted: 0n, held: 0n })

function isPolicy(policy: Policy | PolicyDocument): policy is Policy {
  return 'evaluate' in policy && typeof policy.evaluate === 'function'
}

/** Returns a claim on that counter without a limit, in its window at that moment. */
function claimAt({ counts, window, scope }: Counter, now: Instant): readonly CounterClaim[] {
  const span = windowOf(window)?.span(now)
  return span === undefined
    ? []
    : [own({ counts, scope, window, ...span, amount: 0n, limit: 0n, rule: window })]
}
