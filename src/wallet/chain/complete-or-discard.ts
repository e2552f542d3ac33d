import type { Prepared } from '../index.js'

/**
 * Combines `complete` and `discard` so that only one of them runs.
 *
 * @param discard - Undoes the effects of preparing, once. Default: nothing, because nothing was sent and the ledger
 *   frees the lane.
 */
export function completeOrDiscard(
  complete: Prepared['complete'],
  discard: () => Promise<void> = async () => undefined,
): Pick<Prepared, 'complete' | 'discard'> {
  let discarded = false
  return {
    async complete(deliver) {
      if (discarded) throw new TypeError('This payment was discarded')
      return complete(deliver)
    },
    async discard() {
      if (discarded) return
      discarded = true
      await discard()
    },
  }
}
