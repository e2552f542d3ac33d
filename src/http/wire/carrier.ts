import { PaymentError, PaymentRefusedError } from '../../errors/index.js'
import { type Challenge, type Credential, digestMatches, encodeCredential } from '../../protocol/index.js'
import type { HeaderChanges } from '../headers.js'

/** The facts about a request that decide whether it can carry a credential. */
export interface Carrier {
  /** A header of the caller. */
  readonly own: (name: string) => string | undefined
  readonly replacesAuthorization: boolean
  /** The address of the credential. */
  readonly address: string
  /** The bytes of the body. Undefined for a form, which has new bytes with every send. */
  readonly body: Uint8Array<ArrayBuffer> | undefined
}

/** Common servers and proxies refuse longer header lines. */
const MOST_HEADER = 8 * 1024
/** The largest known payload of a wallet: a sponsored transaction with splits. */
const PAYLOAD_RESERVE = 1536

const CREDENTIAL = /^payment\s/i
/** A credential among others in one field. */
const AMONG_OTHERS = /,\s*payment\s/i
/** A host and a port, and nothing else that a URL could contain. */
const HOST = /^[^\s/?#@\\,]+$/

/**
 * Whether the caller's request carries a payment. Purser does not pay such a request, and does not change its
 * payment.
 */
export function paysItself(own: Carrier['own']): boolean {
  return own('payment-signature') !== undefined || own('x-payment') !== undefined
}

const OWN_AUTHORIZATION =
  'The request has an Authorization header of its own, and this vendor takes its payment in the same header. ' +
  'If the vendor needs no other authorization, set `authorization: replace` in its vendor entry of the policy.'
const OWN_PAYMENT =
  'The request already carries a payment of its own, so Purser adds no second one. Remove that header to let Purser pay.'

/**
 * Checks whether a credential for this challenge can travel with this request. Called before anything is signed.
 *
 * @throws PaymentError `credential_too_large`, `authorization_taken`, `digest_mismatch`; PaymentRefusedError for a
 * `Host` or a `Connection` that would lead the credential to another server or remove it.
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
  if (!namesOnly(carrier)) {
    throw new PaymentRefusedError(
      'The request has a Host header that names another server than its URL. Take the header away to pay for it.',
    )
  }
  if (isForNextHop(header, carrier)) {
    throw new PaymentRefusedError(
      'The request has a Connection header that takes the credential away on its way. Take that name out of it.',
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

/**
 * Whether `Host` names the judged server. Servers and proxies choose by `Host`, and undici checks the certificate
 * against it, so another name would send the credential to another server.
 */
function namesOnly({ own, address }: Carrier): boolean {
  const host = own('host')
  const { protocol, host: judged } = new URL(address)
  const named = `${protocol}//${host}`
  return host === undefined || (HOST.test(host) && URL.canParse(named) && new URL(named).host === judged)
}

/** RFC 9110, section 7.6.1: a proxy removes the headers that `Connection` names. */
function isForNextHop(header: string, { own }: Carrier): boolean {
  const names = own('connection')?.toLowerCase().split(',') ?? []
  return names.some((name) => name.trim() === header)
}

function isTaken(header: string, { own, replacesAuthorization }: Carrier): boolean {
  if (paysItself(own) || AMONG_OTHERS.test(own('authorization') ?? '')) return true
  const there = own(header)
  if (there === undefined || header === 'payment-authorization') return false
  return header === 'authorization' ? !CREDENTIAL.test(there) && !replacesAuthorization : true
}

/**
 * Returns the header changes for a credential. One request carries one credential, because servers with several
 * protocols answer 400 to two. So an earlier credential of the caller is removed. An `Authorization` of any other
 * scheme stays.
 */
export function carry(credential: Credential, own: Carrier['own']): HeaderChanges {
  const { header, value } = encodeCredential(credential)
  return {
    ...(CREDENTIAL.test(own('authorization') ?? '') && { authorization: undefined }),
    'payment-authorization': undefined,
    [header]: value,
  }
}
