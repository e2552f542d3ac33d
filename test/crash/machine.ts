import type { Running } from './job.js'
import { losePower } from './power.js'
import type { Dice } from './random.js'

/** The machine that the processes of one ledger run on: when its power goes, all of them are gone, and so is the rest. */
export class Machine {
  readonly #ledger: string
  readonly #running = new Set<Running>()
  readonly #dark = new Set<Running>()
  readonly #readings = new Set<Promise<unknown>>()
  #cut: Promise<void> = Promise.resolve()
  #cuts = 0

  constructor(ledger: string) {
    this.#ledger = ledger
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
    const reading = read()
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
    losePower(this.#ledger, dice)
  }
}
