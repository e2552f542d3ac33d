import { nextTurn } from '../../util/timers.js'

/** How long one batch of answered callers may run before the event loop turns, in milliseconds. */
const MOST_MS = 5
const MOST_AT_ONCE = 64

/**
 * Answers the callers that waited for one transaction, a few at a time. Each caller continues at once, and many of them
 * sign or parse. If all of them continued together, they would block the event loop for the sum of their times.
 */
export class AnswerQueue {
  /** How many callers are answered at a time. The number falls if they were seen to take long. */
  #atOnce = 4

  async give(answers: readonly (() => void)[]): Promise<void> {
    const [first, ...others] = answers
    // If only one caller waits, it is answered without a turn of the event loop.
    if (others.length === 0) return first?.()
    for (let next = 0; next < answers.length; ) {
      const start = performance.now()
      const some = answers.slice(next, next + this.#atOnce)
      for (const answer of some) answer()
      next += some.length
      await nextTurn()
      this.#learn(some.length, performance.now() - start)
    }
  }

  #learn(answered: number, taken: number): void {
    const fit = Math.floor((answered * MOST_MS) / Math.max(taken, 0.001))
    this.#atOnce = Math.max(1, Math.min(MOST_AT_ONCE, fit, 2 * this.#atOnce))
  }
}
