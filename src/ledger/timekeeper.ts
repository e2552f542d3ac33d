import { PaymentError } from '../errors/index.js'
import type { Instant } from '../money/index.js'
import { checkedClock } from './checked-clock.js'
import type { Clock } from './clock.js'
import {
  type ClockFinding,
  type ClockReadings,
  type ClockRecord,
  JUMP_MS,
  judgeClocks,
  withUnseen,
} from './clock-jumps.js'
import { durationText } from './duration-text.js'
import type { Meta } from './tables.js'
import { Witnesses } from './witnesses.js'

/** The accepted drift of the wall clock against the monotonic clock: one in a thousand. */
const SLACK = 1000
/**
 * After an accepted jump backwards, the time advances slowly until the wall clock has caught up. So leases still end.
 */
const CREEP = 10
/** If the difference is larger than this, the host may have slept. Only then is the clock read that includes sleep. */
const NAP_MS = 2_000
/** How long a reading of that clock is used for comparison. A slow drift of the wall clock is not sleep. */
const BOOT_READ_MS = 600_000
/** This many agreeing witnesses confirm an unconfirmed period. */
const ENOUGH_WITNESSES = 2

type Stored = Pick<Meta, 'high' | 'clock'>

/** A moment of the store's time, and the data about the clocks that the store must keep from then on. */
export interface Moment {
  readonly now: Instant
  /** The same object as in the store, if nothing changed. */
  readonly clock: ClockRecord
}

/**
 * Keeps a store's time. It is the wall clock, is never earlier than the store's highest time, and is checked against
 * every other clock. There is one timekeeper per open ledger. {@link judgeClocks} interprets the clocks.
 */
export class Timekeeper {
  readonly #clock: Clock
  readonly #witnesses = new Witnesses()
  /** The readings of the wall clock and the monotonic clock when the wall clock was last accepted. */
  #wall: Instant = 0
  #mono = 0
  /** The start time of the host by that wall clock, and the reading of the monotonic clock when it was calculated. */
  #booted: Instant | undefined
  #bootRead = 0
  /** Whether the wall clock has not been accepted yet. */
  #opening = true
  #last = 0
  /** The store's count of lowerings when this timekeeper started. */
  #lowered: number | undefined
  #found: { readonly finding: ClockFinding; readonly by: number } = { finding: 'steady', by: 0 }
  /**
   * How far the wall clock was behind the store when a person accepted that, and the time from which the slow advance
   * starts.
   */
  #lag = 0
  #crept: { readonly from: Instant; readonly mono: number } | undefined

  constructor(clock: Clock) {
    this.#clock = checkedClock(clock)
  }

  /** Returns the time for a step that writes nothing, in whole milliseconds. It never goes back. */
  look(stored: Stored): Instant {
    const { look, finding } = this.#judge(stored)
    return this.#advance(isJump(finding) ? Math.max(stored.high, look.expected) : this.#believe(look))
  }

  /**
   * Returns the time, and the data that a step must store with it. This process accepts a jump only after the store has
   * its time. A step that is undone accepts nothing.
   */
  step(stored: Stored): Moment {
    const { look, finding } = this.#judge(stored)
    const { high, clock } = stored
    const { wall, expected } = look
    switch (finding) {
      case 'ahead':
      case 'behind':
        return { now: this.#advance(Math.max(high, expected)), clock }
      case 'vouched':
        return { now: Math.floor(Math.max(high, wall)), clock: { ...clock, unseen: [] } }
      case 'unvouched': {
        const unseen = { from: Math.floor(Math.max(high, expected)), to: Math.floor(wall) }
        return { now: Math.floor(Math.max(high, wall)), clock: withUnseen(clock, unseen) }
      }
      case 'steady':
      case 'slept':
        return { now: this.#advance(this.#believe(look)), clock: this.#recorded(clock, wall) }
    }
  }

  /** Returns an approximate time, for a step whose answer and changes are discarded. It reads no clock. */
  about({ high }: Stored): Instant {
    return Math.max(high, this.#last)
  }

  /**
   * Checks the wall clock.
   *
   * @throws PaymentError `clock_jumped` while the wall clock is not accepted.
   */
  check(): void {
    const { finding, by } = this.#found
    if (finding !== 'ahead' && finding !== 'behind') return
    const [way, to] = finding === 'ahead' ? ['ahead of', ''] : ['behind', "{ to: 'wall' }"]
    throw new PaymentError(
      'clock_jumped',
      'untouched',
      `The clock of this host is ${durationText(by)} ${way} the ledger's time, and nothing explains it. Nothing is paid until the clock is right again, or confirmClock(${to}) says that it is right.`,
    )
  }

  /** Records the time that a witness reports. Returns how many others agree with the wall clock. */
  hear(source: string, at: Instant): number {
    const mono = this.#clock.monotonic()
    this.#witnesses.hear(source, at, mono)
    return this.#witnesses.agreeing(this.#clock.now(), mono, source)
  }

  /**
   * Accepts the wall clock as it is. The time still does not go back. If the wall clock went back, the time waits for
   * it.
   */
  confirm({ high, clock }: Stored): ClockRecord {
    this.#anchor(this.#clock.now(), this.#clock.monotonic())
    const from = Math.max(high, this.#last)
    this.#lag = Math.max(0, from - this.#wall)
    this.#crept = this.#lag === 0 ? undefined : { from, mono: this.#mono }
    this.#lowered = clock.lowered
    return { ...clock, unseen: [] }
  }

  /** Returns the reading of the wall clock, for a person who confirms that it is right. */
  wall(): Instant {
    return Math.floor(this.#clock.now())
  }

  #judge(stored: Stored): { readonly look: ClockReadings; readonly finding: ClockFinding } {
    if (this.#lowered !== stored.clock.lowered) this.#startOver(stored)
    const [wall, mono] = [this.#clock.now(), this.#clock.monotonic()]
    const expected = this.#wall + Math.max(0, mono - this.#mono)
    const close = !this.#opening && Math.abs(wall - expected) <= NAP_MS
    const booted = close || this.#booted === undefined ? undefined : this.#bootedPlus(this.#booted)
    const witnesses = close ? 0 : this.#witnesses.agreeing(wall, mono)
    const { high } = stored
    const look = { wall, expected, booted, high, lag: this.#lag, opening: this.#opening, witnesses }
    const finding = judgeClocks(look)
    this.#found = { finding, by: Math.abs(wall - Math.max(high, expected)) }
    return { look, finding }
  }

  /**
   * Resets the state, for a store that was just opened or whose time a person lowered. No earlier reading is valid
   * then.
   */
  #startOver({ high, clock }: Stored): void {
    this.#last = 0
    this.#lag = 0
    this.#crept = undefined
    this.#lowered = clock.lowered
    const [wall, mono] = [this.#clock.now(), this.#clock.monotonic()]
    this.#anchor(wall, mono)
    if (high === 0 || Math.abs(wall - high) <= JUMP_MS) return
    this.#opening = true
    this.#wall = high
    this.#booted = clock.booted
  }

  /** Accepts the wall clock. Returns the resulting time. */
  #believe({ wall, expected, booted, high }: ClockReadings): number {
    const mono = this.#clock.monotonic()
    const nap = booted !== undefined && Math.abs(wall - booted) <= NAP_MS
    if (this.#opening || nap || Math.abs(wall - expected) > JUMP_MS) this.#anchor(wall, mono)
    else this.#follow(wall, expected, mono)
    const crept = this.#crept === undefined ? 0 : this.#crept.from + (mono - this.#crept.mono) / CREEP
    return Math.max(high, wall, crept)
  }

  /** Follows a slow drift of the wall clock, so that months of drift are not treated as a jump. */
  #follow(wall: Instant, expected: number, mono: number): void {
    const elapsed = Math.max(0, mono - this.#mono)
    const most = elapsed / SLACK
    this.#wall = expected + Math.min(most, Math.max(-most, wall - expected))
    this.#mono += elapsed
    if (mono - this.#bootRead > BOOT_READ_MS && Math.abs(wall - expected) <= NAP_MS)
      this.#noteBoot(wall, mono)
  }

  #anchor(wall: Instant, mono: number): void {
    this.#wall = wall
    this.#mono = mono
    this.#opening = false
    this.#noteBoot(wall, mono)
  }

  #noteBoot(wall: Instant, mono: number): void {
    const since = this.#clock.booted?.()
    this.#booted = since === undefined ? undefined : wall - since
    this.#bootRead = mono
  }

  #bootedPlus(booted: Instant): Instant | undefined {
    const since = this.#clock.booted?.()
    return since === undefined ? undefined : booted + since
  }

  /**
   * Returns the record with the start time of the host, for later processes. It also contains the unconfirmed periods,
   * until enough witnesses agree.
   */
  #recorded(clock: ClockRecord, wall: Instant): ClockRecord {
    const booted = this.#booted === undefined ? undefined : Math.floor(this.#booted)
    const moved = booted !== undefined && Math.abs(booted - (clock.booted ?? 0)) > NAP_MS
    const agreed =
      clock.unseen.length > 0 && this.#witnesses.agreeing(wall, this.#clock.monotonic()) >= ENOUGH_WITNESSES
    if (!moved && !agreed) return clock
    return { ...clock, ...(moved ? { booted } : {}), ...(agreed ? { unseen: [] } : {}) }
  }

  #advance(time: number): Instant {
    this.#last = Math.max(this.#last, Math.floor(time))
    return this.#last
  }
}

function isJump(finding: ClockFinding): boolean {
  return finding !== 'steady' && finding !== 'slept'
}
