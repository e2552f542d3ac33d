import type { Prepared } from '../index.js'

/**
 * Completed or discarded, and never both.
 *
 * @param discard Undoes what preparing left behind, once. Default: nothing, since nothing has left and a lane is the
 * ledger's.
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
