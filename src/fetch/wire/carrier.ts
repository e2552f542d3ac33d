import { PaymentError } from '../../errors/index.js'
import { type Challenge, digestMatches } from '../../protocol/index.js'

/** What a request says about itself that a credential must get along with. */
export interface Carrier {
  /** The caller's own Authorization. */
  readonly authorization: string | undefined
  readonly replacesAuthorization: boolean
  /** The body's bytes; undefined for a form, whose bytes are new with every send. */
  readonly body: Uint8Array<ArrayBuffer> | undefined
}

const utf8 = new TextEncoder()

/** Header lines beyond this are refused by common servers and proxies. */
const MOST_HEADER = 8 * 1024
/** What a wallet's part of a credential comes to at the most, by experience: a sponsored transaction with splits. */
const PAYLOAD_RESERVE = 1536

/**
 * Can a credential for this challenge travel with this request? Asked before anything is signed.
 *
 * @throws PaymentError `credential_too_large`, `authorization_taken`, `digest_mismatch`
 */
export async function checkCarrier(challenge: Challenge, carrier: Carrier): Promise<void> {
  const { echo } = challenge
  const goesBack = echo.envelope === 'mpp' ? echo.params : echo
  const json = utf8.encode(JSON.stringify(goesBack)).byteLength + PAYLOAD_RESERVE
  if (Math.ceil((json * 4) / 3) > MOST_HEADER) {
    throw new PaymentError(
      'credential_too_large',
      'untouched',
      'The offer is so long that a credential for it would not fit into a request header.',
    )
  }
  const taken = carrier.authorization !== undefined && !/^payment\s/i.test(carrier.authorization)
  if (echo.envelope === 'mpp' && echo.header === 'authorization' && taken && !carrier.replacesAuthorization) {
    throw new PaymentError(
      'authorization_taken',
      'untouched',
      'The request carries an Authorization of its own, and the offer wants its credential in the same header.',
    )
  }
  if (challenge.digest === undefined) return
  const verdict = carrier.body ? await digestMatches(challenge.digest, carrier.body) : 'mismatch'
  if (verdict === 'mismatch') {
    throw new PaymentError(
      'digest_mismatch',
      'untouched',
      'The offer is bound to a body other than the one that would be sent again.',
    )
  }
}
