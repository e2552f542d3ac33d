import type { Funds } from './payment-error.js'

/** The parts of a payment that tell where its money is. */
interface PaymentProgress {
  readonly state: 'held' | 'committed' | 'settled' | 'released' | 'denied'
  readonly live: boolean
}

/** Returns the state in one word that answers the caller's question: was I charged? */
export function fundsOf({ state, live }: PaymentProgress): Funds {
  switch (state) {
    case 'denied':
    case 'released':
      return 'untouched'
    case 'held':
      return 'held'
    case 'committed':
      return live ? 'committed' : 'unknown'
    case 'settled':
      return 'settled'
  }
}
