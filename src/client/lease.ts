import type { Clock, Ledger } from '../ledger/index.js'
import type { Instant } from '../money/index.js'
import { Alarm, quietly } from './alarm.js'

/** How long this process counts as alive without a word. */
const LEASE_MS = 30_000
const RENEW_MS = LEASE_MS / 3

/** What has to happen by itself while a purser lives: its lease, and looking again when evidence falls due. */
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

  /** The ledger's time was moved: a lease that was renewed before may have ended, so the next payment renews it. */
  timeMoved(): void {
    this.#renewed = Number.NEGATIVE_INFINITY
  }

  /** Looks again at that moment, beside those that were asked for before. */
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
    // A lease that could not be renewed runs out, and the step to `committed` then fails: that is its purpose.
    this.#renew().catch(() => undefined)
  }
}
