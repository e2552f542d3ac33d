import type { Prepared } from '../index.js'

/** Discarding undoes nothing, since nothing has left and a lane is the ledger's: it makes sure that nothing will. */
export function oneEnd(complete: Prepared['complete']): Pick<Prepared, 'complete' | 'discard'> {
  let discarded = false
  return {
    async complete(deliver) {
      if (discarded) throw new TypeError('This payment was discarded')
      return complete(deliver)
    },
    async discard() {
      discarded = true
    },
  }
}
