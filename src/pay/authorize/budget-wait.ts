import type { CounterClaim } from '../../policy/index.js'
import type { Env } from '../env.js'

/** How long a call that budgets refuse waits, in all, for room that proof may free. */
const PATIENCE_MS = 1_000

/** What one call does about counters that are short: dead payments and unread fees may still fill them. */
export class BudgetWait {
  readonly #env: Env
  #until: number | undefined

  constructor(env: Env) {
    this.#env = env
  }

  /** True if room was found. The call waits for that a second in all, however often it is judged anew. */
  async make(short: readonly { readonly claim: CounterClaim }[]): Promise<boolean> {
    const { clock } = this.#env
    this.#until ??= clock.monotonic() + PATIENCE_MS
    const left = this.#until - clock.monotonic()
    const claims = short.map(({ claim }) => claim)
    return left > 0 && this.#env.makeRoom(claims, left)
  }
}
