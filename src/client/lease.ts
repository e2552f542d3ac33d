import type { Clock, Ledger } from '../ledger/index.js'
import { type Instant, LONGEST_TIMER_MS } from '../money/index.js'

/** How long this process counts as alive without a renewal. */
const LEASE_MS = 30_000
const RENEW_MS = LEASE_MS / 3

/** The recurring work of an open purser: it renews its lease, and inspects payments when evidence becomes due. */
export class Lease {
  readonly #clock: Clock
  readonly #owner: string
  readonly #ledger: Ledger
  readonly #alarm: Alarm
  #renewed = Number.NEGATIVE_INFINITY
  #renewing: Promise<void> | undefined
  #working = 0
  #heartbeat: ReturnType<typeof setInterval> | undefined

  constructor(parts: {
    readonly clock: Clock
    readonly owner: string
    readonly ledger: Ledger
    readonly lookAgain: () => Promise<unknown>
  }) {
    this.#clock = parts.clock
    this.#owner = parts.owner
    this.#ledger = parts.ledger
    this.#alarm = new Alarm(parts.clock, parts.lookAgain)
  }

  /** Begins a payment. The lease is renewed until the returned function is called. */
  enter(): () => void {
    this.#working++
    this.#heartbeat ??= quietly(setInterval(() => this.#beat(), RENEW_MS))
    let inside = true
    return () => {
      if (inside) this.#working--
      inside = false
    }
  }

  /** Makes sure that the lease lasts long enough, before anything is held. */
  async keepAlive(): Promise<void> {
    if (this.#clock.monotonic() - this.#renewed < RENEW_MS) return
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined
    })
    await this.#renewing
  }

  /** The ledger's time has changed, and the lease may have ended: the next payment renews it. */
  timeMoved(): void {
    this.#renewed = Number.NEGATIVE_INFINITY
  }

  /** Inspects payments at that moment too. */
  lookAgain(at: Instant): void {
    this.#alarm.set(at)
  }

  stop(): void {
    clearInterval(this.#heartbeat)
    this.#alarm.stop()
    this.#heartbeat = undefined
  }

  async #renew(): Promise<void> {
    await this.#ledger.renew(this.#owner, LEASE_MS)
    this.#renewed = this.#clock.monotonic()
  }

  #beat(): void {
    if (this.#working === 0) return
    // A lease that could not be renewed ends, and the step to `committed` then fails. That is its purpose.
    this.#renew().catch(() => undefined)
  }
}

/** Evidence becomes due on the chain's clock, so a moment later is soon enough. */
const SLACK_MS = 250
/** Moments are rounded up to this, so that payments due together are inspected together. */
const GRID_MS = 1_000
/** The number of stored moments. Beyond it the latest are dropped; an earlier alarm finds what is left. */
const MOST_MOMENTS = 512

/** The pause after the clock failed to give a time. */
const PAUSE_AFTER_FAILURE_MS = 60_000

/** Rings at each moment that was set, once for all moments that have passed. It keeps no process alive. */
class Alarm {
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
    // A moment beyond the longest timer is waited for in several steps.
    const delay = Math.min(Math.max(0, next - this.#clock.now()) + SLACK_MS, LONGEST_TIMER_MS)
    this.#timer = quietly(setTimeout(() => this.#come(), delay))
  }

  /** An error in a timer has no receiver, so after a failure of the clock the alarm tries again later. */
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

/** Keeps a timer from keeping the process alive. */
function quietly<T>(timer: T): T {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
  return timer
}
