import type { Clock } from '../ledger/index.js'
import { type CounterClaim, counterKey } from '../policy/index.js'
import { withTimeout } from '../util/with-timeout.js'

/** After a search that found nothing the same counters are not searched again for so long. */
const PAUSE_AFTER_NOTHING_MS = 5_000
/** Searches that run at the same time; a call that would start one more is refused without. */
const MOST_SEARCHES = 4
/** Counters for which a pause is remembered: there may be one for each task. */
const MOST_PAUSES = 256

/** One search for room on some counters. */
interface Search {
  readonly done: Promise<void>
  /** How many payments it has found room in so far. */
  gained: number
}

/** Searches full counters for room that proof frees: calls that need it on the same counters share one search. */
export class RoomSearch {
  readonly #clock: Clock
  readonly #look: (on: readonly CounterClaim[], gained: () => void) => Promise<void>
  readonly #searches = new Map<string, Search>()
  /** Until when counters are left alone, by monotonic time. */
  readonly #pauses = new Map<string, number>()

  /** @param look Looks at what counts on these counters. It calls `gained` for each payment that makes room. */
  constructor(clock: Clock, look: (on: readonly CounterClaim[], gained: () => void) => Promise<void>) {
    this.#clock = clock
    this.#look = look
  }

  /** True as soon as the search has ended or the patience is over, if room was found meanwhile. */
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
    // What found something may be worth another search at once.
    if (found > 0) return
    this.#pauses.set(key, this.#clock.monotonic() + PAUSE_AFTER_NOTHING_MS)
    const [oldest] = this.#pauses.keys()
    if (this.#pauses.size > MOST_PAUSES && oldest !== undefined) this.#pauses.delete(oldest)
  }
}
