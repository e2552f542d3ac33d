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

/** How fast a wall clock is believed to drift from the monotonic one without having been set: one in a thousand. */
const SLACK = 1000
/** After an accepted jump backwards, time creeps on, so that leases still end, until the wall clock has caught up. */
const CREEP = 10
/** A difference beyond this may be a nap of the host: only then is the clock read that runs on in sleep. */
const NAP_MS = 2_000
/** How long a reading of that clock is compared with: a slow drift of the wall clock is no nap. */
const BOOT_READ_MS = 600_000
/** So many witnesses that agree make up for what nobody saw. */
const ENOUGH_WITNESSES = 2

type Stored = Pick<Meta, 'high' | 'clock'>

/** A moment of the store's time, and what the store is to remember of the clocks from then on. */
export interface Moment {
  readonly now: Instant
  /** The very record that the store has, if nothing changed. */
  readonly clock: ClockRecord
}

/**
 * A store's time: the wall clock, never behind what the store has seen, and checked against every other clock there is.
 * One per open ledger. What the clocks mean is for {@link judgeClocks} to say.
 */
export class Timekeeper {
  readonly #clock: Clock
  readonly #witnesses = new Witnesses()
  /** What the wall clock and the monotonic clock showed when the wall clock was last believed. */
  #wall: Instant = 0
  #mono = 0
  /** When the host was started, by that wall clock, and the monotonic clock when this was worked out. */
  #booted: Instant | undefined
  #bootRead = 0
  /** Is the wall clock still to be believed for the first time? */
  #opening = true
  #last = 0
  /** The store's count of lowerings that this was started with. */
  #lowered: number | undefined
  #found: { readonly finding: ClockFinding; readonly by: number } = { finding: 'steady', by: 0 }
  /** How far behind the store the wall clock was when somebody accepted that, and where time creeps on from. */
  #lag = 0
  #crept: { readonly from: Instant; readonly mono: number } | undefined

  constructor(clock: Clock) {
    this.#clock = checkedClock(clock)
  }

  /** Now, for a step that writes nothing. Whole milliseconds; never goes back. */
  look(stored: Stored): Instant {
    const { look, finding } = this.#judge(stored)
    return this.#advance(isJump(finding) ? Math.max(stored.high, look.expected) : this.#believe(look))
  }

  /**
   * Now, and what a step must write down with it. A jump that is accepted is believed by this process once the store
   * has its time: a step that is undone accepts nothing.
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

  /** About now, for a step whose answer and changes are dropped. Reads no clock. */
  about({ high }: Stored): Instant {
    return Math.max(high, this.#last)
  }

  /** @throws PaymentError `clock_jumped` while the wall clock is not believed. */
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

  /** Somebody else says what time it is. Answers how many others agree with the wall clock. */
  hear(source: string, at: Instant): number {
    const mono = this.#clock.monotonic()
    this.#witnesses.hear(source, at, mono)
    return this.#witnesses.agreeing(this.#clock.now(), mono, source)
  }

  /** Accepts the wall clock as it is. Time still does not go back: it waits for a clock that did. */
  confirm({ high, clock }: Stored): ClockRecord {
    this.#anchor(this.#clock.now(), this.#clock.monotonic())
    const from = Math.max(high, this.#last)
    this.#lag = Math.max(0, from - this.#wall)
    this.#crept = this.#lag === 0 ? undefined : { from, mono: this.#mono }
    this.#lowered = clock.lowered
    return { ...clock, unseen: [] }
  }

  /** What the wall clock shows, for a person who says that it is right. */
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

  /** For a store that was just opened, or whose time a person took back: nothing that was known before is true. */
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

  /** The wall clock is believed. Answers what time it is then. */
  #believe({ wall, expected, booted, high }: ClockReadings): number {
    const mono = this.#clock.monotonic()
    const nap = booted !== undefined && Math.abs(wall - booted) <= NAP_MS
    if (this.#opening || nap || Math.abs(wall - expected) > JUMP_MS) this.#anchor(wall, mono)
    else this.#follow(wall, expected, mono)
    const crept = this.#crept === undefined ? 0 : this.#crept.from + (mono - this.#crept.mono) / CREEP
    return Math.max(high, wall, crept)
  }

  /** A slow drift is followed, so that months of it are not taken for a jump. */
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

  /** The start of the host, for whoever opens the store later; and what nobody saw, until enough witnesses agree. */
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
