import type { Clock } from '../ledger/index.js'
import { type Instant, LONGEST_TIMER_MS } from '../money/index.js'

/** Evidence falls due on the chain's clock, not ours: a moment later is soon enough. */
const SLACK_MS = 250
/** Moments are rounded up to these, so that what falls due together is looked at together. */
const GRID_MS = 1_000
/** How many moments are remembered. Of more the latest are forgotten: a look at an earlier one finds what is left. */
const MOST_MOMENTS = 512

/** How long a clock is left alone after it gave no time. */
const PAUSE_AFTER_FAILURE_MS = 60_000

/** Rings at each of the moments that it was set to, once for those that have come. It keeps no process alive. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => unknown
  /** The earliest first. */
  #moments: Instant[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #stopped = false

  constructor(clock: Clock, ring: () => unknown) {
    this.#clock = clock
    this.#ring = ring
  }

  set(at: Instant): void {
    const moment = Math.ceil(at / GRID_MS) * GRID_MS
    const place = this.#moments.findIndex((each) => each >= moment)
    if (this.#stopped || this.#moments[place] === moment) return
    this.#moments.splice(place === -1 ? this.#moments.length : place, 0, moment)
    if (this.#moments.length > MOST_MOMENTS) this.#moments.pop()
    if (this.#moments[0] === moment) this.#arm()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#stopped = true
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const [next] = this.#moments
    if (next === undefined) return
    // What lies further ahead than a timer takes is waited for again from there.
    const delay = Math.min(Math.max(0, next - this.#clock.now()) + SLACK_MS, LONGEST_TIMER_MS)
    this.#timer = quietly(setTimeout(() => this.#come(), delay))
  }

  /** Nobody hears what a timer throws, so a clock that fails is asked again later. */
  #come(): void {
    try {
      this.#ringAt(this.#clock.now())
    } catch {
      this.#timer = quietly(setTimeout(() => this.#come(), PAUSE_AFTER_FAILURE_MS))
    }
  }

  #ringAt(now: Instant): void {
    const ahead = this.#moments.filter((each) => each > now)
    const rings = ahead.length < this.#moments.length
    this.#moments = ahead
    this.#arm()
    if (rings) this.#ring()
  }
}

/** A purser never keeps a process alive by itself. */
export function quietly<T>(timer: T): T {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
  return timer
}
