import type { Funds } from '../errors/index.js'
import type { Payment } from './port.js'

/** Returns the state in one word that answers the caller's question: was I charged? */
export function fundsOf(payment: Pick<Payment, 'state' | 'live'>): Funds {
  switch (payment.state) {
    case 'denied':
    case 'released':
      return 'untouched'
    case 'held':
      return 'held'
    case 'committed':
      return payment.live ? 'committed' : 'unknown'
    case 'settled':
      return 'settled'
  }
}
