import { ONCE } from '../errors/index.js'
/** A visitor of the queues: holds one place at the most. */
export interface QueuePlace {
  /**
   * Queues up and waits until it is its turn. False: it is its turn already, or the queue was empty, so nothing that
   * was read before has changed since.
   */
  enter(name: string, signal?: AbortSignal): Promise<boolean>
  leave(): void
}

/**
 * Fair queues by name: whoever comes first is served first. Payments that run on one lane wait here for each other,
 * instead of asking the ledger again and again; other processes are kept out by the ledger alone.
 */
export class Queues {
  /** Whoever is first in each, and what wakes the others. */
  readonly #queues = new Map<string, (() => void)[]>()

  place(): QueuePlace {
    let held: string | undefined
    const leave = (): void => {
      if (held === undefined) return
      const name = held
      held = undefined
      this.#next(name)
    }
    return {
      leave,
      enter: async (name, signal) => {
        if (held === name) return false
        leave()
        const waiting = this.#queues.get(name)
        if (waiting === undefined) {
          this.#queues.set(name, [])
          held = name
          return false
        }
        await turn(waiting, signal)
        held = name
        return true
      },
    }
  }

  #next(name: string): void {
    const next = this.#queues.get(name)?.shift()
    if (next === undefined) this.#queues.delete(name)
    else next()
  }
}

/** Resolves when it is its turn; rejects, and is out of the queue, when the signal aborts before. */
function turn(waiting: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const wake = (): void => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }
    const stop = (): void => {
      waiting.splice(waiting.indexOf(wake), 1)
      reject(signal?.reason)
    }
    waiting.push(wake)
    signal?.addEventListener('abort', stop, ONCE)
  })
}
