import { budgetOf, type Ledger, type Room } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import { type CounterClaim, counterKey } from '../../policy/index.js'
import type { Emitter } from '../events.js'

/** How many budgets and shares are remembered as reported. The oldest is forgotten first. */
const MOST_REPORTED = 2_000
/** Shares are compared in millionths, so that amounts stay integers. */
const MILLION = 1_000_000n

/**
 * Tells listeners when a payment brings a budget to one of these shares, once for each window of a budget and each
 * share. For a window without an end (rolling, ever) they hear it again only after less was used in between.
 */
export class BudgetAlerts {
  readonly #shares: readonly { readonly share: number; readonly millionths: bigint }[]
  readonly #ledger: Pick<Ledger, 'room'>
  readonly #emitter: Emitter
  readonly #symbol: string
  /** The end of the window that was reported, by budget and share. */
  readonly #reported = new Map<string, Instant | undefined>()

  constructor(
    shares: readonly number[],
    { ledger, emitter, symbol }: { ledger: Pick<Ledger, 'room'>; emitter: Emitter; symbol: string },
  ) {
    this.#shares = shares.map((share) => ({ share, millionths: BigInt(Math.round(share * Number(MILLION))) }))
    this.#ledger = ledger
    this.#emitter = emitter
    this.#symbol = symbol
  }

  /** Reads the counters of these claims, after a payment with them was committed. It does not delay the payment. */
  async committed(claims: readonly CounterClaim[]): Promise<void> {
    if (this.#shares.length === 0 || !this.#emitter.heard('budget')) return
    // The counter of a remembered approval is no budget.
    const budgets = claims.filter(({ scope }) => scope.grant === undefined)
    try {
      for (const room of await this.#ledger.room(budgets)) this.#check(room)
    } catch (error) {
      this.#emitter.emit('error', { error, during: 'looking at budgets' })
    }
  }

  #check(room: Room): void {
    const { claim, spent, held } = room
    for (const { share, millionths } of this.#shares) {
      const key = `${share} ${claim.limit} ${counterKey(claim)}`
      const reached = (spent + held) * MILLION >= claim.limit * millionths
      const known = this.#reported.has(key)
      if (known && this.#reported.get(key) === claim.resetsAt && (reached || claim.resetsAt !== undefined))
        continue
      this.#reported.delete(key)
      if (!reached) continue
      this.#remember(key, claim.resetsAt)
      this.#emitter.emit('budget', { share, budget: budgetOf(room, this.#symbol) })
    }
  }

  #remember(key: string, until: Instant | undefined): void {
    const [oldest] = this.#reported.keys()
    if (oldest !== undefined && this.#reported.size >= MOST_REPORTED) this.#reported.delete(oldest)
    this.#reported.set(key, until)
  }
}
