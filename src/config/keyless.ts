import { PaymentError } from '../errors/index.js'
import type { OfferKind } from '../protocol/index.js'
import type { Wallet } from '../wallet/index.js'
import type { WalletName } from './settings.js'

/**
 * Creates the wallet of a process whose parent keeps the key. It pays nothing: a call that would cost something is
 * refused with an explanation. Otherwise the process would end, or the caller would see the server's 402 without a
 * reason.
 *
 * @param wallet - The wallet that has no key in this process.
 * @param takenBy - The process that keeps the key.
 */
export function keylessWallet(wallet: KeyedWallet, takenBy: string): Wallet {
  return unableWallet(`purser/auto:no-key:${wallet}`, KINDS[wallet], withoutKey(takenBy))
}

/** Creates the wallet of a process that only manages the ledger for a person. It pays nothing. */
export function walletOfNobody(): Wallet {
  const kinds = [...Object.values(KINDS).flat(), 'lightning/charge'] as const
  return unableWallet('purser:nobody', kinds, 'This process only manages the ledger: it has no wallet.')
}

/** Creates a wallet that refuses every payment with this message. */
function unableWallet(id: string, kinds: readonly OfferKind[], message: string): Wallet {
  return {
    id,
    kinds,
    quote: async () => ({ unpayable: message, code: 'wallet_failed' }),
    prepare: async () => {
      throw new PaymentError('wallet_failed', 'untouched', message)
    },
    inspect: async () => ({ state: 'unknown', reason: message }),
  }
}

/** A wallet that signs with a key. */
export type KeyedWallet = Exclude<WalletName, 'lightning'>

/** The kinds of offers of each wallet, known without loading the wallet. */
const KINDS: Readonly<Record<KeyedWallet, readonly OfferKind[]>> = {
  tempo: ['tempo/charge'],
  session: ['tempo/session'],
  evm: ['evm/charge', 'usdc/charge', 'x402/exact', 'x402/upto'],
  stripe: ['stripe/charge'],
}

/** Explains why this process does not pay, and how to fix it. */
export function withoutKey(takenBy: string): string {
  const who = /^\d{1,10}$/.test(takenBy) ? `Process ${takenBy}` : 'The process that started this one'
  return `${who} has the key and keeps it, so this process cannot pay: pay there, or name a key that can be read twice (PURSER_TEMPO_KEY_FILE and the like)`
}
