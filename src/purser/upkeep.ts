import type { Clock, Ledger } from '../ledger/index.js'
import { type Instant, LONGEST_TIMER_MS } from '../money/index.js'

/** How long this process counts as alive without a word. */
const LEASE_MS = 30_000
const RENEW_MS = LEASE_MS / 3
const PAUSE_AFTER_NOTHING_MS = 5_000
/** Evidence falls due on the chain's clock, not ours: a moment later is soon enough. */
const SLACK_MS = 250

/** What has to happen by itself while a purser lives: its lease, and looking again when evidence falls due. */
export class Upkeep {
  readonly #clock: Clock
  readonly #owner: string
  readonly #ledger: Ledger
  readonly #lookAgain: () => Promise<unknown>
  readonly #sweep: () => Promise<boolean>
  #renewed = Number.NEGATIVE_INFINITY
  #renewing: Promise<void> | undefined
  #fruitless = Number.NEGATIVE_INFINITY
  #sweeping: Promise<boolean> | undefined
  #working = 0
  #heartbeat: ReturnType<typeof setInterval> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #due: Instant = Number.POSITIVE_INFINITY

  constructor(parts: {
    readonly clock: Clock
    readonly owner: string
    readonly ledger: Ledger
    readonly lookAgain: () => Promise<unknown>
    readonly sweep: () => Promise<boolean>
  }) {
    this.#clock = parts.clock
    this.#owner = parts.owner
    this.#ledger = parts.ledger
    this.#lookAgain = parts.lookAgain
    this.#sweep = parts.sweep
  }

  /** A payment begins: until the function that this returns is called, the lease is renewed. */
  enter(): () => void {
    this.#working++
    this.#heartbeat ??= quietly(setInterval(() => this.#beat(), RENEW_MS))
    let inside = true
    return () => {
      if (inside) this.#working--
      inside = false
    }
  }

  /** Before anything is held: the lease must have enough left in it. */
  async keepAlive(): Promise<void> {
    if (this.#clock.monotonic() - this.#renewed < RENEW_MS) return
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined
    })
    await this.#renewing
  }

  /** One at a time, and not again at once after one that found nothing: a refused agent must not drive a node wild. */
  async sweep(): Promise<boolean> {
    if (this.#clock.monotonic() - this.#fruitless < PAUSE_AFTER_NOTHING_MS) return false
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined
    })
    const found = await this.#sweeping
    if (!found) this.#fruitless = this.#clock.monotonic()
    return found
  }

  lookAgain(at: Instant): void {
    if (at >= this.#due) return
    this.#due = at
    clearTimeout(this.#timer)
    // What lies further ahead than a timer takes is looked at again from there.
    const delay = Math.min(Math.max(0, at - this.#clock.now()) + SLACK_MS, LONGEST_TIMER_MS)
    this.#timer = quietly(
      setTimeout(() => {
        this.#due = Number.POSITIVE_INFINITY
        void this.#lookAgain()
      }, delay),
    )
  }

  stop(): void {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#timer)
    this.#heartbeat = undefined
    this.#due = Number.NEGATIVE_INFINITY
  }

  async #renew(): Promise<void> {
    await this.#ledger.renew(this.#owner, LEASE_MS)
    this.#renewed = this.#clock.monotonic()
  }

  #beat(): void {
    if (this.#working === 0) return
    // A lease that could not be renewed runs out, and the step to `committed` then fails: that is its purpose.
    this.#renew().catch(() => undefined)
  }
}

/** A purser never keeps a process alive by itself. */
function quietly<T>(timer: T): T {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
  return timer
}
