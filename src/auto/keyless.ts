import { PaymentError } from '../errors/index.js'
import type { Wallet } from '../wallet/index.js'

/**
 * The wallet of a process whose parent has the key: it pays nothing, and says why. A call that would cost something is
 * refused with that sentence, instead of ending the process or passing for a server's own 402.
 *
 * @param takenBy - The process that has the key.
 */
export function keylessWallet(takenBy: string): Wallet {
  const says = withoutKey(takenBy)
  return {
    id: 'purser/auto:no-key',
    kinds: ['tempo/charge'],
    quote: async () => ({ unpayable: says, code: 'wallet_failed' }),
    prepare: async () => {
      throw new PaymentError('wallet_failed', 'untouched', says)
    },
    inspect: async () => ({ state: 'unknown', because: says }),
  }
}

/** Why this process does not pay, and what to do about it. */
export function withoutKey(takenBy: string): string {
  const who = /^\d{1,10}$/.test(takenBy) ? `Process ${takenBy}` : 'The process that started this one'
  return `${who} has the key and keeps it, so nothing is paid here: pay there, or name a key that can be read twice (PURSER_TEMPO_KEY_FILE)`
}
