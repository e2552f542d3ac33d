import { ONCE } from '../errors/index.js'
/** What becomes of work when its caller gives up before it has ended. */
export interface AbortHandling<T> {
  /** Called when the wait ends: what the caller is told. Default: the reason of the abort. */
  readonly reason?: () => unknown
  /** The work ended well all the same, and nobody waits for what it brought. Must not throw. */
  readonly onLate?: (value: T) => void
  /** How long work may still take to its own end, in milliseconds, where that tells the caller more. Default: not at all. */
  readonly graceMs?: number
}

/**
 * Waits for work no longer than its caller does: an abort ends the wait, whatever hangs. The work itself goes on, and
 * must notice by itself that nobody waits for it any more. What it fails with after that is nobody's.
 *
 * Where nobody can give up this is the work itself, so that it costs nothing.
 */
export function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  unheeded: AbortHandling<T> = {},
): Promise<T> {
  return signal === undefined ? work : waitUntilAborted(work, signal, unheeded)
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
