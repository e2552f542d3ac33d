import type { Evidence } from '../ledger/index.js'
import type { Currency, Instant } from '../money/index.js'
import type { Json, JsonObject, OfferKind } from '../protocol/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import { FINALITY_MS, readCurrency } from '../wallet/tempo/shared.js'
import { channelIdOf, type Identity, identityJson, readIdentity } from './identity.js'
import { isObject, readAmount, readHex } from './json.js'
import type { Pending } from './machine.js'
import { pendingJson, readPending } from './record.js'

/** The one kind of offer this wallet pays. */
export const KIND: OfferKind = 'tempo/session'

/** A transaction of ours that goes with a credential, or is one. */
export interface Sending extends Pending {
  /** Its own hash. Unknown where a sponsor signs after us. */
  readonly hash?: Hex
  /** What we pay its fee in; absent where the server pays. */
  readonly feeCurrency?: Currency
}

/** What was done: a voucher alone or with a deposit, or an act of the channel's owner. */
export type Form = 'voucher' | 'open' | 'topUp' | 'fund' | 'close' | 'requestClose' | 'withdraw'

/** What proves a voucher, or an act, by the channel's own state. */
export interface SessionDetail {
  readonly form: Form
  readonly lane: string
  readonly slot: string
  readonly identity: Identity
  readonly currency: Currency
  /** The running total that was signed, and how much of it this payment is. */
  readonly total: bigint
  readonly price: bigint
  /** No block before this second holds anything of the channel. */
  readonly openedAt: number
  readonly sending?: Sending
  /** When the vendor said that it closes the channel. */
  readonly agreedAt?: Instant
}

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
    detail: jsonOf(detail),
  }
}

export function isPayment(form: Form): boolean {
  return form === 'voucher' || form === 'open' || form === 'topUp'
}

function jsonOf({ identity, currency, total, price, sending, ...plain }: SessionDetail): JsonObject {
  return {
    ...plain,
    identity: identityJson(identity),
    currency: { ...currency },
    total: total.toString(),
    price: price.toString(),
    ...(sending === undefined ? {} : { sending: sendingJson(sending) }),
  }
}

function sendingJson({ hash, feeCurrency, ...pending }: Sending): JsonObject {
  return {
    ...pendingJson(pending),
    ...(hash === undefined ? {} : { hash }),
    ...(feeCurrency === undefined ? {} : { feeCurrency: { ...feeCurrency } }),
  }
}

const FORMS: readonly Form[] = ['voucher', 'open', 'topUp', 'fund', 'close', 'requestClose', 'withdraw']

/** Reads evidence back, as a ledger returns it. Undefined: it is not this wallet's, or damaged. */
export function readDetail(json: Json): SessionDetail | undefined {
  if (!isObject(json)) return undefined
  const { lane, slot, openedAt, agreedAt } = json
  const form = FORMS.find((each) => each === json['form'])
  const identity = readIdentity(json['identity'])
  const currency = readCurrency(json['currency'])
  const total = readAmount(json['total'])
  const price = readAmount(json['price'])
  if (form === undefined || typeof lane !== 'string' || typeof slot !== 'string') return undefined
  if (typeof openedAt !== 'number' || !identity || !currency) return undefined
  if (total === undefined || price === undefined) return undefined
  const sending = readSending(json['sending'])
  const more = {
    ...(sending === undefined ? {} : { sending }),
    ...(typeof agreedAt === 'number' ? { agreedAt } : {}),
  }
  return { form, lane, slot, identity, currency, total, price, openedAt, ...more }
}

function readSending(value: Json | undefined): Sending | undefined {
  const pending = readPending(value)
  if (pending === undefined || !isObject(value)) return undefined
  const hash = readHex(value['hash'], 32)
  const feeCurrency = readCurrency(value['feeCurrency'])
  return { ...pending, ...(hash ? { hash } : {}), ...(feeCurrency ? { feeCurrency } : {}) }
}
