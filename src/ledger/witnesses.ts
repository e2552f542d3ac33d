import type { Instant } from '../money/index.js'

/**
 * A witness agrees if its time differs by at most this. `Date` has a resolution of one second, and blocks arrive late.
 */
const AGREES_MS = 60_000
/** Older reports do not count, because the host may have slept since. */
const FRESH_MS = 600_000
const MOST_SOURCES = 32

/**
 * Keeps the times that others report: servers in their `Date` header, and chains in their last block. They are kept
 * only in memory.
 */
export class Witnesses {
  readonly #said = new Map<string, { readonly at: Instant; readonly mono: number }>()

  /**
   * Records the time that a witness reports.
   *
   * @param source - The name of the witness. Sources with the same name are one witness.
   */
  hear(source: string, at: Instant, mono: number): void {
    this.#said.delete(source)
    this.#said.set(source, { at, mono })
    for (const oldest of this.#said.keys()) {
      if (this.#said.size <= MOST_SOURCES) return
      this.#said.delete(oldest)
    }
  }

  /** Returns how many witnesses agree with the wall clock now. `but` is excluded. */
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
