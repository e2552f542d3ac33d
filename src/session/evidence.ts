import * as z from 'zod/mini'
import type { Evidence } from '../ledger/index.js'
import type { Json, OfferKind } from '../protocol/index.js'
import { currency, reader, toJson, tolerant } from '../wallet/evidence.js'
import { FINALITY_MS } from '../wallet/tempo/shared.js'
import { channelIdOf, identity } from './identity.js'
import { decimal, hexOf, pending } from './json.js'

/** The one kind of offer this wallet pays. */
export const KIND: OfferKind = 'tempo/session'

/** A transaction of the payer that goes with a credential, or is one. */
const sending = tolerant(
  z.object({
    ...pending.shape,
    /** Its hash. Unknown if a sponsor signs after the payer. */
    hash: z.exactOptional(hexOf(32)),
    /** The currency of its fee. Absent if the server pays. */
    feeCurrency: z.exactOptional(currency),
  }),
  ['payment', 'hash', 'feeCurrency'],
)
export type Sending = Readonly<z.output<typeof sending>>

/** A voucher alone or with a deposit, or an operation of the channel's owner. */
const form = z.enum(['voucher', 'open', 'topUp', 'fund', 'close', 'requestClose', 'withdraw'])
export type Form = z.output<typeof form>

/** The data that proves a voucher or an operation by the state of the channel. */
const detail = z.object({
  form,
  lane: z.string(),
  slot: z.string(),
  identity,
  currency,
  /** The signed running total, and the part of it that this payment added. */
  total: decimal,
  price: decimal,
  /** No block before this second contains anything of the channel. */
  openedAt: z.number(),
  sending: z.exactOptional(sending),
  /** The time at which the vendor agreed to close the channel. */
  agreedAt: z.exactOptional(z.number()),
})
export type SessionDetail = Readonly<z.output<typeof detail>>

/** Makes the evidence for the ledger. It has the lane as a reference, except for operations that pay nothing. */
export function evidenceOf(wallet: string, challengeId: string, detail: SessionDetail): Evidence {
  const { sending, form, lane } = detail
  const refs = [challengeId, channelIdOf(detail.identity), sending?.seen, sending?.hash]
  const known = refs.filter((ref) => ref !== undefined)
  return {
    wallet,
    kind: KIND,
    refs: isPayment(form) ? [...known, lane] : known,
    ...(sending === undefined ? {} : { recheckAt: sending.validBefore * 1000 + FINALITY_MS }),
    detail: toJson(detail),
  }
}

export function isPayment(form: Form): boolean {
  return form === 'voucher' || form === 'open' || form === 'topUp'
}

/** Reads evidence from a ledger. Undefined if it is of another wallet, or damaged. */
export const readDetail: (json: Json) => SessionDetail | undefined = reader(
  tolerant(detail, ['sending', 'agreedAt']),
)
