import { nextTurn } from '../util/timers.js'

/** How long calls may block the event loop, in milliseconds of processor time. */
const SLICE_MS = 8
/** The number of calls in one turn, at least and at most. Their ledger steps share a transaction and its sync. */
const FEWEST = 4
const MOST = 64

/**
 * Lets a few calls at a time continue within one turn of the event loop, in their order, so that the loop turns again
 * soon. Without this, replies that arrive together would be paid together, and timers, sockets and the agent's own
 * work would wait for all of them.
 */
export class Slices {
  readonly #cpu: () => number
  readonly #waiting: (() => void)[] = []
  #size = 8
  #left = 0
  #turning = false

  /** @param cpu Returns the processor time of this process in milliseconds. */
  constructor(cpu: () => number) {
    this.#cpu = cpu
  }

  /** Undefined if the call may continue at once. */
  take(): Promise<void> | undefined {
    if (!this.#turning) {
      this.#turning = true
      this.#left = this.#size
      void this.#turns()
    }
    if (this.#waiting.length > 0 || this.#left <= 0)
      return new Promise((resolve) => this.#waiting.push(resolve))
    this.#left--
    return undefined
  }

  async #turns(): Promise<void> {
    do {
      const start = this.#cpu()
      this.#left = this.#size
      while (this.#left > 0 && this.#waiting.length > 0) {
        this.#left--
        this.#waiting.shift()?.()
      }
      await nextTurn()
      this.#fit(this.#cpu() - start)
    } while (this.#waiting.length > 0)
    this.#turning = false
  }

  /** Fits the size: smaller after a turn that took long, larger if calls wait and there was time for them. */
  #fit(took: number): void {
    if (took > SLICE_MS) this.#size = Math.max(FEWEST, this.#size >> 1)
    else if (took < SLICE_MS / 2 && this.#left === 0) this.#size = Math.min(MOST, this.#size * 2)
  }
}
