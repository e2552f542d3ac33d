import { copyFileSync, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Database, loadDriver } from '../../src/ledger/sqlite/driver.js'
import type { Running } from './job.js'
import { losePower } from './power.js'
import type { Dice } from './random.js'
import type { Scenario } from './scenario.js'
import { syncsOf } from './syncs.js'

/** The machine that the processes of one ledger run on: when its power goes, all of them are gone, and so is the rest. */
export class Machine {
  #scenario: Scenario
  readonly #running = new Set<Running>()
  readonly #dark = new Set<Running>()
  readonly #readings = new Set<Promise<unknown>>()
  #cut: Promise<void> = Promise.resolve()
  #cuts = 0
  #guard: Database | undefined

  constructor(scenario: Scenario) {
    this.#scenario = scenario
  }

  /** What is played on it, with the place where its ledger is now. */
  get scenario(): Scenario {
    return this.#scenario
  }

  /** How often its power was cut so far: what was to be started before a cut is not started after it. */
  get cuts(): number {
    return this.#cuts
  }

  runs(running: Running): void {
    this.#running.add(running)
    void running.ended.then(() => this.#running.delete(running))
  }

  /** Did this process die because the power went? */
  wentDark(running: Running): boolean {
    return this.#dark.has(running)
  }

  /** Reads its ledger: not while its power is being cut, which leaves the ledger to nobody. */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    await this.#lit()
    const reading = this.#guarded(read)
    this.#readings.add(reading)
    try {
      return await reading
    } finally {
      this.#readings.delete(reading)
    }
  }

  /** @param dice What the disk keeps of what was not synced. Default: nothing. */
  async powerCut(dice?: Dice): Promise<void> {
    await this.#lit()
    this.#cuts++
    this.#cut = this.#goDark(dice)
    await this.#cut
  }

  /** Nobody plays on it any more. */
  close(): void {
    this.#guard?.close()
    this.#guard = undefined
  }

  /**
   * A connection of its own stays open beside the readings. The driver of Node 20 lets go of a ledger that was closed only
   * when its statements are collected; were it the last to do so, it would remove the log that dead processes have left,
   * and whoever opens the ledger next would miss it.
   */
  async #guarded<T>(read: () => Promise<T>): Promise<T> {
    const { ledger } = this.#scenario
    if (this.#guard === undefined && existsSync(ledger)) {
      const { DatabaseSync } = await loadDriver()
      this.#guard ??= new DatabaseSync(ledger, { timeout: 10_000 })
      this.#guard.exec('SELECT count(*) FROM sqlite_schema')
    }
    return read()
  }

  /** Resolves while the power is on: another cut may have begun when the last one was over. */
  async #lit(): Promise<void> {
    for (let cut: Promise<void> | undefined; cut !== this.#cut; ) {
      cut = this.#cut
      await cut
    }
  }

  async #goDark(dice: Dice | undefined): Promise<void> {
    const ends = [...this.#running].map((running) => {
      this.#dark.add(running)
      running.kill()
      return running.ended
    })
    await Promise.allSettled([...ends, ...this.#readings])
    const { ledger: before, name } = this.#scenario
    // Elsewhere, since a driver in this process may still have the old files open, and would remove the log by its name.
    const ledger = join(dirname(before), `${name} after ${this.#cuts}.db`)
    for (const end of ['', '-wal', '-shm', '.made'])
      if (existsSync(before + end)) copyFileSync(before + end, ledger + end)
    if (existsSync(syncsOf(before))) copyFileSync(syncsOf(before), syncsOf(ledger))
    this.close()
    losePower(ledger, dice)
    this.#scenario = { ...this.#scenario, ledger }
  }
}
