import { PaymentError } from '../../errors/index.js'
import { type Challenge, type Credential, digestMatches, encodeCredential } from '../../protocol/index.js'
import type { HeaderChanges } from '../headers.js'

/** What a request says about itself that a credential must get along with. */
export interface Carrier {
  /** A header of the caller's own. */
  readonly own: (name: string) => string | undefined
  readonly replacesAuthorization: boolean
  /** The body's bytes; undefined for a form, whose bytes are new with every send. */
  readonly body: Uint8Array<ArrayBuffer> | undefined
}

/** Header lines beyond this are refused by common servers and proxies. */
const MOST_HEADER = 8 * 1024
/** What a wallet's part of a credential comes to at the most, by experience: a sponsored transaction with splits. */
const PAYLOAD_RESERVE = 1536

const CREDENTIAL = /^payment\s/i

/** Does the caller's own request carry a payment? Then it is neither paid again nor written over. */
export function paysItself(own: Carrier['own']): boolean {
  return own('payment-signature') !== undefined || own('x-payment') !== undefined
}

const OWN_AUTHORIZATION =
  'The request has an Authorization header of its own, and this vendor takes its payment in the same header. ' +
  'If the vendor needs no other authorization, set `authorization: replace` in its vendor entry of the policy.'
const OWN_PAYMENT =
  'The request already carries a payment of its own, so Purser adds no second one. Remove that header to let Purser pay.'

/**
 * Can a credential for this challenge travel with this request? Asked before anything is signed.
 *
 * @throws PaymentError `credential_too_large`, `authorization_taken`, `digest_mismatch`
 */
export async function checkCarrier(challenge: Challenge, carrier: Carrier): Promise<void> {
  const { header, value } = encodeCredential({ challenge, payload: {} })
  if (value.length + Math.ceil((PAYLOAD_RESERVE * 4) / 3) > MOST_HEADER) {
    throw new PaymentError(
      'credential_too_large',
      'untouched',
      'The offer is so long that a credential for it would not fit into a request header.',
    )
  }
  if (isTaken(header, carrier)) {
    throw new PaymentError(
      'authorization_taken',
      'untouched',
      header === 'authorization' && !paysItself(carrier.own) ? OWN_AUTHORIZATION : OWN_PAYMENT,
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

function isTaken(header: string, { own, replacesAuthorization }: Carrier): boolean {
  if (paysItself(own)) return true
  const there = own(header)
  if (there === undefined || header === 'payment-authorization') return false
  return header === 'authorization' ? !CREDENTIAL.test(there) && !replacesAuthorization : true
}

/**
 * What a credential changes in the caller's own headers. One request carries one credential: servers that take several
 * protocols answer 400 to two, so an earlier one of the caller's goes. An `Authorization` of any other scheme stays.
 */
export function carry(credential: Credential, own: Carrier['own']): HeaderChanges {
  const { header, value } = encodeCredential(credential)
  return {
    ...(CREDENTIAL.test(own('authorization') ?? '') && { authorization: undefined }),
    'payment-authorization': undefined,
    [header]: value,
  }
}
