import type { Evidence } from '../../ledger/index.js'
import type { Currency, Instant } from '../../money/index.js'
import type { Json, JsonObject, OfferKind } from '../../protocol/index.js'
import { digitsOf, type Hex, hexOf, isObject, readCurrency } from '../chain/index.js'

interface Common {
  readonly chainId: number
  readonly sender: Hex
  readonly token: Hex
  readonly to: Hex
  /** In smallest parts; of a price that is known only afterwards, the most. */
  readonly amount: string
  /** By our clock: searches begin well before it, and nothing is proven by it. */
  readonly signedAt: Instant
}

/** What proves a transfer by EIP-3009, or that it can never happen. */
export interface AuthorizationDetail extends Common {
  readonly form: 'authorization'
  readonly nonce: Hex
  /** Seconds. No block from this time on can include it. */
  readonly validBefore: number
}

/** What proves a transfer by Permit2 through an x402 proxy. */
export interface PermitDetail extends Common {
  readonly form: 'permit2'
  readonly nonce: Hex
  /** Seconds. No block after this time can include it. */
  readonly deadline: number
  /** Set where the price is known only afterwards. */
  readonly facilitator?: Hex
  /** What `amount` counts, whole, so that any process can say what was taken. */
  readonly currency: Currency
}

/** What proves a transfer that the payer signed as a transaction. */
export interface TransactionDetail extends Common {
  readonly form: 'transaction'
  readonly way: 'transaction' | 'hash'
  readonly nonce: string
  readonly hash: Hex
  /** The newest block when it was signed: what took its nonce came later. */
  readonly after: string
  /** What its gas is paid in, whole. */
  readonly coin: Currency
}

/** A sign-in: it moves nothing. */
export interface ProofDetail {
  readonly form: 'proof'
  readonly chainId: number
  readonly sender: Hex
}

export type PaidDetail = AuthorizationDetail | PermitDetail | TransactionDetail
export type Detail = PaidDetail | ProofDetail

/** How long after its end a credential is first looked for at a final block. */
export const FINALITY_MS = 3_000
/** Who knows the price only afterwards settles right after the answer. */
const SETTLING_MS = 2_000
/** A transaction has no end, and is looked for when it should be in a block. */
const MINED_MS = 15_000

/** When looking can first bring news. */
export function dueAt(detail: PaidDetail): Instant {
  switch (detail.form) {
    case 'authorization':
      return detail.validBefore * 1000 + FINALITY_MS
    case 'permit2':
      return detail.facilitator === undefined
        ? detail.deadline * 1000 + FINALITY_MS
        : detail.signedAt + SETTLING_MS
    case 'transaction':
      return detail.signedAt + MINED_MS
  }
}

/** When it can be accepted no more. Undefined: never, by itself. */
export function deadAt(detail: PaidDetail): Instant | undefined {
  if (detail.form === 'transaction') return undefined
  const end = detail.form === 'authorization' ? detail.validBefore : detail.deadline + 1
  return end * 1000 + FINALITY_MS
}

/** Evidence for the ledger. */
export function evidenceOf(wallet: string, kind: OfferKind, challengeId: string, detail: Detail): Evidence {
  if (detail.form === 'proof') return { wallet, kind, refs: [challengeId], detail: { ...detail } }
  const ref = detail.form === 'transaction' ? detail.hash : detail.nonce
  return { wallet, kind, refs: [challengeId, ref], recheckAt: dueAt(detail), detail: jsonOf(detail) }
}

function jsonOf(detail: PaidDetail): JsonObject {
  switch (detail.form) {
    case 'authorization':
      return { ...detail }
    case 'permit2':
      return { ...detail, currency: { ...detail.currency } }
    case 'transaction':
      return { ...detail, coin: { ...detail.coin } }
  }
}

/** Reads evidence back, as a ledger returns it. Undefined: it is not this wallet's, or damaged. */
export function readDetail(json: Json): Detail | undefined {
  if (!isObject(json)) return undefined
  const chainId = numberOf(json['chainId'])
  const sender = hexOf(json['sender'])
  if (chainId === undefined || sender === undefined) return undefined
  if (json['form'] === 'proof') return { form: 'proof', chainId, sender }
  const token = hexOf(json['token'])
  const to = hexOf(json['to'])
  const amount = digitsOf(json['amount'])
  const signedAt = numberOf(json['signedAt'])
  if (!token || !to || amount === undefined || signedAt === undefined) return undefined
  const common = { chainId, sender, token, to, amount, signedAt }
  switch (json['form']) {
    case 'authorization':
      return readAuthorization(json, common)
    case 'permit2':
      return readPermit(json, common)
    case 'transaction':
      return readTransaction(json, common)
    default:
      return undefined
  }
}

function readAuthorization(json: JsonObject, common: Common): AuthorizationDetail | undefined {
  const nonce = hexOf(json['nonce'])
  const validBefore = numberOf(json['validBefore'])
  if (!nonce || validBefore === undefined) return undefined
  return { form: 'authorization', ...common, nonce, validBefore }
}

function readPermit(json: JsonObject, common: Common): PermitDetail | undefined {
  const nonce = hexOf(json['nonce'])
  const deadline = numberOf(json['deadline'])
  const currency = readCurrency(json['currency'])
  if (!nonce || deadline === undefined || !currency) return undefined
  const facilitator = hexOf(json['facilitator'])
  return { form: 'permit2', ...common, nonce, deadline, currency, ...(facilitator && { facilitator }) }
}

function readTransaction(json: JsonObject, common: Common): TransactionDetail | undefined {
  const { way } = json
  const nonce = digitsOf(json['nonce'])
  const hash = hexOf(json['hash'])
  const after = digitsOf(json['after'])
  const coin = readCurrency(json['coin'])
  if (way !== 'transaction' && way !== 'hash') return undefined
  if (nonce === undefined || !hash || after === undefined || !coin) return undefined
  return { form: 'transaction', ...common, way, nonce, hash, after, coin }
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}
