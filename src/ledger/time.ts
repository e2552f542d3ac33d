import { PaymentError } from '../errors/index.js'
import type { Instant } from '../money/index.js'
import type { Clock } from './port.js'
import { soundClock } from './sound-clock.js'

/** A jump of the wall clock beyond this stops payments until a person confirms it. */
export const JUMP_MS = 300_000
/** How fast a wall clock is believed to drift from the monotonic one without having been set: one in a thousand. */
const SLACK = 1000
/** After an accepted jump backwards, time creeps on, so that leases still end, until the wall clock has caught up. */
const CREEP = 10

/**
 * A store's time: the wall clock, never behind what the store has seen, and checked against the monotonic clock. One
 * per open ledger.
 */
export class Timekeeper {
  readonly #clock: Clock
  #wall: Instant
  #mono: number
  #last = 0
  #jumped = false
  /** How far behind the store the wall clock was when somebody accepted that, and where time creeps on from. */
  #lag = 0
  #crept: { readonly from: Instant; readonly mono: number } | undefined

  constructor(clock: Clock) {
    this.#clock = soundClock(clock)
    this.#wall = this.#clock.now()
    this.#mono = this.#clock.monotonic()
  }

  /** Now, given the highest time in the store. Whole milliseconds; never goes back. */
  now(high: Instant): Instant {
    const mono = this.#clock.monotonic()
    const elapsed = Math.max(0, mono - this.#mono)
    const wall = this.#clock.now()
    const expected = this.#wall + elapsed
    if (this.#jumped) return this.#advance(Math.max(high, expected))
    if (Math.abs(wall - expected) > JUMP_MS || high - wall > JUMP_MS + this.#lag) {
      this.#jumped = true
      this.#wall = Math.max(high, expected, this.#last)
      this.#mono = mono
      return this.#advance(this.#wall)
    }
    this.#follow(wall, expected, elapsed)
    const crept = this.#crept === undefined ? 0 : this.#crept.from + (mono - this.#crept.mono) / CREEP
    return this.#advance(Math.max(high, wall, crept))
  }

  /** @throws PaymentError `clock_jumped` while a jump is unconfirmed. */
  check(): void {
    if (this.#jumped)
      throw new PaymentError(
        'clock_jumped',
        'untouched',
        'The clock jumped by more than five minutes. Nothing is paid until confirmClock() accepts it.',
      )
  }

  /** Accepts the wall clock as it is. Time still does not go back: it waits for a clock that did. */
  confirm(high: Instant): void {
    this.#wall = this.#clock.now()
    this.#mono = this.#clock.monotonic()
    const from = Math.max(high, this.#last)
    this.#lag = Math.max(0, from - this.#wall)
    this.#crept = this.#lag === 0 ? undefined : { from, mono: this.#mono }
    this.#jumped = false
  }

  /** A slow drift is followed, so that months of it are not taken for a jump. */
  #follow(wall: Instant, expected: number, elapsed: number): void {
    const most = elapsed / SLACK
    this.#wall = expected + Math.min(most, Math.max(-most, wall - expected))
    this.#mono += elapsed
  }

  #advance(time: number): Instant {
    this.#last = Math.max(this.#last, Math.floor(time))
    return this.#last
  }
}
