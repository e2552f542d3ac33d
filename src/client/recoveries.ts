import type { DueQuery, Payment } from '../ledger/index.js'
import {
  type Env,
  type Recovery,
  type RecoveryPlan,
  runRecovery,
  runRecoveryWithUnseen,
} from '../pay/index.js'
import type { CounterClaim } from '../policy/index.js'
import { ONCE } from '../util/objects.js'
import { afterTurn, nextTurn } from '../util/timers.js'
import type { BackgroundTasks } from './background-tasks.js'

/** Fees are read a moment after the opening, so a process that ends sooner asks no node. */
const FIRST_FEES_MS = 2_000
/** Other processes leave payments in doubt too, so a purser recovers after this time even if nothing is due. */
const IDLE_MS = 300_000
/** The pause before automatic work continues, if a requested recovery interrupted it. */
const BACK_SOON_MS = 1_000
/** The number of payments that one search for room inspects. */
const MOST_FOR_ROOM = 256

/**
 * The recoveries of one purser, on request and automatic. They end with the purser. Automatic ones keep no process
 * alive, except while a node is being asked.
 */
export class Recoveries {
  readonly #env: () => Env
  readonly #tasks: BackgroundTasks
  #last: Promise<unknown> = Promise.resolve()
  #asked = 0
  #closed = false

  constructor(env: () => Env, tasks: BackgroundTasks) {
    this.#env = env
    this.#tasks = tasks
  }

  /**
   * Recovers on request, after an automatic recovery, whose payments would be skipped. The automatic one stops early
   * for it.
   */
  async asked(which: DueQuery['which']): Promise<Recovery> {
    this.#asked++
    try {
      return await this.#inTurn(() => this.#run(which, { turn: nextTurn }, runRecoveryWithUnseen))
    } finally {
      this.#asked--
    }
  }

  /** Settles payments of an earlier process, while the first call runs. */
  first(): void {
    // Fees come last.
    const choose: RecoveryPlan['choose'] = (payment) => (payment.state === 'settled' ? 'stop' : 'look')
    void this.#quietly(async () => {
      this.#again(FIRST_FEES_MS)
      await this.#run('due', { choose })
    })
  }

  /** Recovers what is due. */
  async byItself(): Promise<void> {
    let cut = false
    await this.#quietly(() =>
      this.#inTurn(() =>
        this.#run('due', {
          choose: (payment) => {
            cut ||= this.#asked > 0
            return cut ? 'stop' : this.#unasked(payment)
          },
        }),
      ),
    )
    await this.#quietly(async () => this.#again(cut ? BACK_SOON_MS : IDLE_MS))
  }

  #again(afterMs: number): void {
    const { clock, scheduleRecheck } = this.#env()
    scheduleRecheck(clock.now() + afterMs)
  }

  /** Looks for room on full counters: the newest payments first, because most of them were never inspected. */
  async forRoom(on: readonly CounterClaim[], gained: () => void): Promise<void> {
    const choose = (payment: Payment) => this.#unasked(payment)
    const found: RecoveryPlan['found'] = (before, after) => {
      if (after.units < before.units) gained()
    }
    await this.#quietly(() => this.#run('due', { on, order: 'newest', limit: MOST_FOR_ROOM, choose, found }))
  }

  /** From now on, no failure is reported. */
  close(): void {
    this.#closed = true
  }

  #unasked({ id }: Payment): 'look' | 'pass' {
    const { schedule, clock } = this.#env()
    return schedule.allows(id, clock.now()) ? 'look' : 'pass'
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => undefined)
    return mine
  }

  #run(which: DueQuery['which'], plan: RecoveryPlan, how = runRecovery): Promise<Recovery> {
    return this.#tasks.run((signal) =>
      how(this.#env(), which, { turn: () => idleTurn(signal), ...plan, signal }),
    )
  }

  async #quietly(work: () => Promise<unknown>): Promise<void> {
    if (this.#closed) return
    try {
      await work()
    } catch (error) {
      if (!this.#closed) this.#env().emitter.emit('error', { error, during: 'recovery' })
    }
  }
}

/** Lets the event loop turn, if anything else keeps the process alive. A closing purser does not wait for it. */
function idleTurn(closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      closing.removeEventListener('abort', done)
      resolve()
    }
    closing.addEventListener('abort', done, ONCE)
    const next = afterTurn(done)
    if (typeof next === 'object' && next !== null && 'unref' in next && typeof next.unref === 'function')
      next.unref()
  })
}
