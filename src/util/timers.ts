import { ONCE } from './objects.js'

/** Lets the event loop turn once, so that timers, sockets and other tasks run before this call continues. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void afterTurn(resolve))
}

/**
 * Calls a function after a turn of the event loop. The Edge runtime of Next.js has a `setImmediate` that throws.
 *
 * @returns The runtime's handle of the timer.
 */
export function afterTurn(call: () => void): unknown {
  try {
    if (typeof setImmediate === 'function') return setImmediate(call)
  } catch {
    // Nothing was scheduled.
  }
  return setTimeout(call)
}

/**
 * Waits that many milliseconds, and lets the event loop turn at least once.
 *
 * @throws The reason of the signal, if it aborts before the wait ends.
 */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, ONCE)
  })
}
