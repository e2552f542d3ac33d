import { ONCE } from './objects.js'

/** A caller of the queues. It holds at most one place. */
export interface QueuePlace {
  /**
   * Waits in the queue of that name until it is this caller's turn.
   *
   * @returns False if the caller did not have to wait, so that everything it read before is still true.
   */
  enter(name: string, signal?: AbortSignal): Promise<boolean>
  leave(): void
}

/**
 * Fair queues by name: first come, first served. Payments on one lane wait here for each other, instead of asking the ledger
 * again and again. Only the ledger coordinates processes.
 */
export class Queues {
  /** By name: the functions that wake the callers behind the first one. */
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

/** Resolves when it is the caller's turn. If the signal aborts before, this rejects and leaves the queue. */
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
