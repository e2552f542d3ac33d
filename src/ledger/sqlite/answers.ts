import { nextTurn } from '../../util/timers.js'

/** What those who are answered together may do before the event loop turns, in milliseconds. */
const MOST_MS = 5
const MOST_AT_ONCE = 64

/**
 * Answers those who waited for one transaction, a few at a time. Each goes on at once, and many of them sign or parse: if
 * all went on together, the event loop would stand still for the sum of that.
 */
export class AnswerQueue {
  /** How many are answered at a time: fewer if they were seen to do much. */
  #atOnce = 4

  async give(answers: readonly (() => void)[]): Promise<void> {
    const [first, ...others] = answers
    // One by one, nobody else waits for the event loop to turn.
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
