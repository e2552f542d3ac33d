/** The reason of a call that the person at the terminal stopped. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'

  constructor() {
    super('stopped by Ctrl-C')
  }
}

/**
 * Runs work that Ctrl-C stops by a signal. The second Ctrl-C ends the process, because nobody must wait for a server that
 * hangs. The ledger has what was sent, and the next process looks at it.
 *
 * @param signals - The process, or a substitute in a test.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  signals: Pick<NodeJS.Process, 'on' | 'off' | 'exit'> = process,
): Promise<T> {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted) signals.exit(130)
    controller.abort(new Interrupted())
  }
  signals.on('SIGINT', stop)
  try {
    return await work(controller.signal)
  } finally {
    signals.off('SIGINT', stop)
  }
}
