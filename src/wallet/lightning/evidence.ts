import * as z from 'zod/mini'
import type { Evidence } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { Json, OfferKind } from '../../protocol/index.js'
import { reader, toJson, tolerant } from '../evidence.js'

/** The one kind of offer this wallet pays. */
export const KIND: OfferKind = 'lightning/charge'

/**
 * What finds a payment at the node. The hash is public; the preimage, which is the credential, is never written down.
 */
const detail = z.object({
  hash: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  /** The ledger's id of the payment that tried it. */
  payment: z.string(),
  /** When the invoice expires: no node pays it after that. */
  expires: z.int(),
  /** Set once the preimage was seen and checked: the payment is proven for good. */
  paid: z.exactOptional(z.literal(true)),
  /** The routing fee, if the node said it. */
  feeMsat: z.exactOptional(
    z.pipe(
      z.string().check(z.regex(/^[0-9]{1,20}$/)),
      z.transform((text: string) => BigInt(text)),
    ),
  ),
})
export type Detail = Readonly<z.output<typeof detail>>

/** @param recheckAt When looking can first bring news. */
export function evidenceOf(
  wallet: string,
  challengeId: string,
  detail: Detail,
  recheckAt: Instant,
): Evidence {
  return { wallet, kind: KIND, refs: [challengeId, detail.hash], recheckAt, detail: toJson(detail) }
}

/** Reads evidence back, as a ledger returns it. Undefined: it is not this wallet's, or damaged. */
export const readDetail: (json: Json) => Detail | undefined = reader(tolerant(detail, ['paid', 'feeMsat']))
