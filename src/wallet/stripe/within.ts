import { ONCE } from '../../errors/index.js'
/**
 * Waits for work no longer than that, and no longer than its caller does. The work itself goes on: it is somebody else's.
 *
 * @throws The reason of whatever ended the wait.
 */
export async function within<T>(work: () => Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
  const late = AbortSignal.timeout(Math.max(0, ms))
  const ended = signal === undefined ? late : AbortSignal.any([signal, late])
  ended.throwIfAborted()
  let stop = (): void => {}
  const over = new Promise<never>((_, reject) => {
    stop = () => reject(ended.reason)
    ended.addEventListener('abort', stop, ONCE)
  })
  try {
    return await Promise.race([work(), over])
  } finally {
    ended.removeEventListener('abort', stop)
  }
}
