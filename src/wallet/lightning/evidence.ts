import type { Evidence } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { Json, OfferKind } from '../../protocol/index.js'

/** The one kind of offer this wallet pays. */
export const KIND: OfferKind = 'lightning/charge'

/**
 * What a payment is found by at the node. The hash is public; the preimage, which is the credential, is never written
 * down.
 */
export interface Detail {
  readonly hash: string
  /** The ledger's id of the payment that tried it. */
  readonly payment: string
  /** When the invoice expires: no node pays it after that. */
  readonly expires: Instant
  /** Set once the preimage was seen and checked: the payment is proven for good. */
  readonly paid?: true
  /** What routing took, where the node said it. */
  readonly feeMsat?: bigint
}

/** @param recheckAt When looking can first bring news. */
export function evidenceOf(
  wallet: string,
  challengeId: string,
  detail: Detail,
  recheckAt: Instant,
): Evidence {
  const { feeMsat, ...rest } = detail
  return {
    wallet,
    kind: KIND,
    refs: [challengeId, detail.hash],
    recheckAt,
    detail: { ...rest, ...(feeMsat === undefined ? {} : { feeMsat: feeMsat.toString() }) },
  }
}

/** Reads evidence back, as a ledger returns it. Undefined: it is not this wallet's, or damaged. */
export function readDetail(json: Json): Detail | undefined {
  if (typeof json !== 'object' || json === null || !('hash' in json)) return undefined
  const { hash, payment, expires, paid, feeMsat } = json
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) return undefined
  if (typeof payment !== 'string') return undefined
  if (typeof expires !== 'number' || !Number.isSafeInteger(expires)) return undefined
  return {
    hash,
    payment,
    expires,
    ...(paid === true ? { paid } : {}),
    ...(typeof feeMsat === 'string' && /^[0-9]{1,20}$/.test(feeMsat) ? { feeMsat: BigInt(feeMsat) } : {}),
  }
}
