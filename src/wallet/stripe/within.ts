import { ONCE } from '../../errors/index.js'
/**
 * Waits for work until a time limit or the caller's abort. The work itself continues, because it belongs to other code.
 *
 * @throws The reason that ended the wait.
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
