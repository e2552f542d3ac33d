import type { Receipt } from '../index.js'
import { given } from './payment-facts.js'
import type { JsonOf } from './schemas.js'

/** Returns a server's receipt for JSON. Its claims are as they came. */
export function receiptFact(receipt: Receipt): JsonOf<'receipt'>['receipt'] {
  const { success, method, reference, challengeId, timestamp, network, claims } = receipt
  return {
    success,
    ...given({ method, reference, challenge: challengeId, timestamp, network }),
    claims: { ...claims },
  }
}
