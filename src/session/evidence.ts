import * as z from 'zod/mini'
import type { Evidence } from '../ledger/index.js'
import type { Json, OfferKind } from '../protocol/index.js'
import { currency, reader, toJson, tolerant } from '../wallet/evidence.js'
import { FINALITY_MS } from '../wallet/tempo/shared.js'
import { channelIdOf, identity } from './identity.js'
import { decimal, hexOf, pending } from './json.js'

/** The one kind of offer this wallet pays. */
export const KIND: OfferKind = 'tempo/session'

/** A transaction of ours that goes with a credential, or is one. */
const sending = tolerant(
  z.object({
    ...pending.shape,
    /** Its own hash. Unknown if a sponsor signs after us. */
    hash: z.exactOptional(hexOf(32)),
    /** The currency we pay its fee in; absent if the server pays. */
    feeCurrency: z.exactOptional(currency),
  }),
  ['payment', 'hash', 'feeCurrency'],
)
export type Sending = Readonly<z.output<typeof sending>>

/** A voucher alone or with a deposit, or an operation of the channel's owner. */
const form = z.enum(['voucher', 'open', 'topUp', 'fund', 'close', 'requestClose', 'withdraw'])
export type Form = z.output<typeof form>

/** What proves a voucher, or an operation, by the channel's own state. */
const detail = z.object({
  form,
  lane: z.string(),
  slot: z.string(),
  identity,
  currency,
  /** The running total that was signed, and how much of it this payment is. */
  total: decimal,
  price: decimal,
  /** No block before this second holds anything of the channel. */
  openedAt: z.number(),
  sending: z.exactOptional(sending),
  /** When the vendor said that it closes the channel. */
  agreedAt: z.exactOptional(z.number()),
})
export type SessionDetail = Readonly<z.output<typeof detail>>

/** Evidence for the ledger. Found by its lane, except for acts that pay nothing. */
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

/** Reads evidence back, as a ledger returns it. Undefined: it is not this wallet's, or damaged. */
export const readDetail: (json: Json) => SessionDetail | undefined = reader(
  tolerant(detail, ['sending', 'agreedAt']),
)
