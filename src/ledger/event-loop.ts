/** Lets the event loop turn: timers, sockets and whoever else waits have their turn before this goes on. */
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

/** Waits, and lets the event loop turn at least once. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
