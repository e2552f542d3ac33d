import * as z from 'zod/mini'
import type { Evidence } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { Json, OfferKind } from '../../protocol/index.js'
import { reader, toJson, tolerant } from '../evidence.js'

export const KIND: OfferKind = 'lightning/charge'

/** The data that identifies a payment at the node. The preimage is a secret credential and is never stored. */
const detail = z.object({
  hash: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  /** The ledger's id of the payment. */
  payment: z.string(),
  /** The expiry of the invoice. No node pays it after that time. */
  expires: z.int(),
  /** Set after the preimage was checked. The payment is then proven. */
  paid: z.optional(z.literal(true)),
  /** The routing fee. Absent if the node did not report it. */
  feeMsat: z.optional(
    z.pipe(
      z.string().check(z.regex(/^[0-9]{1,20}$/)),
      z.transform((text: string) => BigInt(text)),
    ),
  ),
})
export type Detail = Readonly<z.output<typeof detail>>

/** @param recheckAt - The time of the first useful check. */
export function evidenceOf(
  wallet: string,
  challengeId: string,
  detail: Detail,
  recheckAt: Instant,
): Evidence {
  return { wallet, kind: KIND, refs: [challengeId, detail.hash], recheckAt, detail: toJson(detail) }
}

/** Reads evidence from the ledger. Undefined if it belongs to another wallet or is damaged. */
export const readDetail: (json: Json) => Detail | undefined = reader(tolerant(detail, ['paid', 'feeMsat']))
