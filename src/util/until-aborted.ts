import { ONCE } from './objects.js'

/** What happens to work if its caller aborts before the work has ended. */
export interface AbortHandling<T> {
  /** Makes the error that the caller gets when the wait ends. Default: the reason of the abort. */
  readonly reason?: () => unknown
  /** Gets the result of work that succeeded after its caller had gone. Must not throw. */
  readonly onLate?: (value: T) => void
  /** How many milliseconds the work may still take after the abort. Default: 0. */
  readonly graceMs?: number
}

/**
 * Waits for work until it ends or its caller aborts. The work itself goes on: it must listen to the signal by itself. If it
 * fails after the abort, its error is dropped. Without a signal, this returns the work itself and costs nothing.
 */
export function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  handling: AbortHandling<T> = {},
): Promise<T> {
  return signal === undefined ? work : waitUntilAborted(work, signal, handling)
}

function waitUntilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  { reason = () => signal.reason, onLate, graceMs = 0 }: AbortHandling<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let waiting = true
    let grace: ReturnType<typeof setTimeout> | undefined
    const leave = (): void => {
      waiting = false
      reject(reason())
    }
    const hungUp = (): void => {
      if (graceMs === 0) leave()
      else grace = setTimeout(leave, graceMs)
    }
    const done = (): void => {
      signal.removeEventListener('abort', hungUp)
      clearTimeout(grace)
    }
    work.then(
      (value) => {
        done()
        if (waiting) resolve(value)
        else onLate?.(value)
      },
      (error: unknown) => {
        done()
        reject(error)
      },
    )
    if (signal.aborted) hungUp()
    else signal.addEventListener('abort', hungUp, ONCE)
  })
}

/**
 * Waits for work until it ends, the time is over, or its caller aborts. The work itself goes on.
 *
 * @throws The reason of the abort, or a `TimeoutError`.
 */
export async function untilDeadline<T>(work: () => Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
  const late = AbortSignal.timeout(Math.max(0, ms))
  const ended = signal === undefined ? late : AbortSignal.any([signal, late])
  ended.throwIfAborted()
  return untilAborted(work(), ended)
}
