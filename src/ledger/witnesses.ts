import type { Instant } from '../money/index.js'

/** A witness agrees if its time is within this: `Date` counts seconds, and blocks come late. */
const AGREES_MS = 60_000
/** What was said longer ago counts no more, since the host may have slept meanwhile. */
const FRESH_MS = 600_000
const MOST_SOURCES = 32

/** What others said the time is: servers in their `Date`, chains in their last block. Kept in memory only. */
export class Witnesses {
  readonly #said = new Map<string, { readonly at: Instant; readonly mono: number }>()

  /** @param source Sources of one name are one witness. */
  hear(source: string, at: Instant, mono: number): void {
    this.#said.delete(source)
    this.#said.set(source, { at, mono })
    for (const oldest of this.#said.keys()) {
      if (this.#said.size <= MOST_SOURCES) return
      this.#said.delete(oldest)
    }
  }

  /** How many agree with the wall clock now; `but` is left out. */
  agreeing(wall: Instant, mono: number, but?: string): number {
    let count = 0
    for (const [source, said] of this.#said) {
      if (source === but) continue
      const passed = mono - said.mono
      if (passed <= FRESH_MS && Math.abs(said.at + passed - wall) <= AGREES_MS) count++
    }
    return count
  }
}
