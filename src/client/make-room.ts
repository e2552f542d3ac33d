import type { Clock } from '../ledger/index.js'
import { type CounterClaim, counterKey } from '../policy/index.js'
import { withTimeout } from '../util/with-timeout.js'

/** The pause before the same counters are searched again, after a search without result. */
const PAUSE_AFTER_NOTHING_MS = 5_000
/** The number of searches at the same time. A call that would need another one is refused. */
const MOST_SEARCHES = 4
/** The number of counters with a stored pause: there may be one for each task. */
const MOST_PAUSES = 256

/** One search for room on some counters. */
interface Search {
  readonly done: Promise<void>
  /** The number of payments that made room so far. */
  gained: number
}

/** Searches full counters for room that a proof frees. Calls that need room on the same counters share one search. */
export class RoomSearch {
  readonly #clock: Clock
  readonly #look: (on: readonly CounterClaim[], gained: () => void) => Promise<void>
  readonly #searches = new Map<string, Search>()
  /** When the pause of each counter ends, in monotonic time. */
  readonly #pauses = new Map<string, number>()

  /** @param look Inspects the payments on these counters. It calls `gained` for each payment that makes room. */
  constructor(clock: Clock, look: (on: readonly CounterClaim[], gained: () => void) => Promise<void>) {
    this.#clock = clock
    this.#look = look
  }

  /** Returns true if room was found when the search or the patience ends. */
  async makeRoom(short: readonly CounterClaim[], patienceMs: number): Promise<boolean> {
    const key = short.map(counterKey).sort().join('\n')
    const search = this.#searches.get(key) ?? this.#start(key, short)
    if (search === undefined) return false
    const before = search.gained
    const done = search.done.catch(() => undefined)
    await withTimeout(done, patienceMs)
    return search.gained > before
  }

  #start(key: string, short: readonly CounterClaim[]): Search | undefined {
    if (this.#searches.size >= MOST_SEARCHES) return undefined
    if (this.#clock.monotonic() < (this.#pauses.get(key) ?? 0)) return undefined
    const look = (): Promise<void> =>
      this.#look(short, () => {
        search.gained++
      })
    const search: Search = {
      gained: 0,
      done: Promise.resolve()
        .then(look)
        .finally(() => this.#end(key)),
    }
    this.#searches.set(key, search)
    return search
  }

  #end(key: string): void {
    const found = this.#searches.get(key)?.gained ?? 0
    this.#searches.delete(key)
    this.#pauses.delete(key)
    // A search with a result may be repeated at once.
    if (found > 0) return
    this.#pauses.set(key, this.#clock.monotonic() + PAUSE_AFTER_NOTHING_MS)
    const [oldest] = this.#pauses.keys()
    if (this.#pauses.size > MOST_PAUSES && oldest !== undefined) this.#pauses.delete(oldest)
  }
}
