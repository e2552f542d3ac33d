import type { Challenge, OfferKind } from '../../protocol/index.js'
import type { Unpayable } from '../index.js'
import { readMppCharge, readUsdcCharge } from './mpp.js'
import type { Offer } from './offer.js'
import { readX402 } from './x402.js'

/** The kinds of offers that move money. */
export const PAID_KINDS: readonly OfferKind[] = ['evm/charge', 'usdc/charge', 'x402/exact', 'x402/upto']

/** Reads the offer in a challenge. Pure. */
export function readOffer(challenge: Challenge): Offer | Unpayable {
  switch (challenge.kind) {
    case 'evm/charge':
      return readMppCharge(challenge)
    case 'usdc/charge':
      return readUsdcCharge(challenge)
    case 'x402/exact':
    case 'x402/upto':
      return readX402(challenge)
    default:
      return { unpayable: `This wallet does not support ${challenge.kind} offers` }
  }
}
