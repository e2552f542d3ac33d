import type { Ledger, Room } from '../../ledger/index.js'
import { asJson, formatUnits, type Instant, type Units } from '../../money/index.js'
import { type CounterClaim, counterKey } from '../../policy/index.js'
import type { Emitter } from '../events.js'
import type { Budget } from './budget.js'

/** How many budgets and shares are remembered as told: the oldest goes first. */
const MOST_TOLD = 2_000
/** A share is compared in millionths, so that no number with a fraction touches money. */
const MILLION = 1_000_000n

/**
 * Tells listeners when a payment brings a budget to one of these shares. Once for each window of a budget and share; of a
 * window without an end (rolling, ever) again only after less was used in between.
 */
export class BudgetAlerts {
  readonly #shares: readonly { readonly share: number; readonly millionths: bigint }[]
  readonly #ledger: Pick<Ledger, 'room'>
  readonly #emitter: Emitter
  readonly #symbol: string
  /** When the window ends for which it was told. */
  readonly #told = new Map<string, Instant | undefined>()

  constructor(
    shares: readonly number[],
    { ledger, emitter, symbol }: { ledger: Pick<Ledger, 'room'>; emitter: Emitter; symbol: string },
  ) {
    this.#shares = shares.map((share) => ({ share, millionths: BigInt(Math.round(share * Number(MILLION))) }))
    this.#ledger = ledger
    this.#emitter = emitter
    this.#symbol = symbol
  }

  /** A payment that claims this was committed. Looks at the counters afterwards, and never in its way. */
  async committed(claims: readonly CounterClaim[]): Promise<void> {
    if (this.#shares.length === 0 || !this.#emitter.heard('budget')) return
    // A remembered approval has a counter too, which is no budget.
    const budgets = claims.filter(({ scope }) => scope.grant === undefined)
    try {
      for (const room of await this.#ledger.room(budgets)) this.#look(room)
    } catch (error) {
      this.#emitter.emit('error', { error, during: 'looking at budgets' })
    }
  }

  #look(room: Room): void {
    const { claim, spent, held } = room
    for (const { share, millionths } of this.#shares) {
      const key = `${share} ${claim.limit} ${counterKey(claim)}`
      const reached = (spent + held) * MILLION >= claim.limit * millionths
      const known = this.#told.has(key)
      if (known && this.#told.get(key) === claim.resetsAt && (reached || claim.resetsAt !== undefined))
        continue
      this.#told.delete(key)
      if (!reached) continue
      this.#remember(key, claim.resetsAt)
      this.#emitter.emit('budget', { share, budget: budgetOf(room, this.#symbol) })
    }
  }

  #remember(key: string, until: Instant | undefined): void {
    const [oldest] = this.#told.keys()
    if (oldest !== undefined && this.#told.size >= MOST_TOLD) this.#told.delete(oldest)
    this.#told.set(key, until)
  }
}

/** One counter, as people and programs read it. */
export function budgetOf({ claim, spent, held, remaining }: Room, symbol: string): Budget {
  const { rule, counts, scope, window, limit, resetsAt } = claim
  return asJson({
    rule,
    counts,
    scope,
    window,
    limit,
    spent,
    held,
    remaining,
    ...(resetsAt === undefined ? {} : { resetsAt }),
    message: sentence(counts, { limit, spent, held }, symbol),
  })
}

function sentence(
  counts: Budget['counts'],
  { limit, spent, held }: Pick<Budget, 'limit' | 'spent' | 'held'>,
  symbol: string,
): string {
  if (counts === 'payments') return `${spent + held} of ${limit} payments`
  const money = (units: Units): string => formatUnits(units, symbol)
  const verb = counts === 'lock' ? 'locked up' : 'spent'
  return `${money(spent)} of ${money(limit)} ${verb}${held > 0n ? `, ${money(held)} held` : ''}`
}
