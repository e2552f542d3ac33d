import type { Evidence } from '../../ledger/index.js'
import type { Currency } from '../../money/index.js'
import type { Json, JsonObject, OfferKind } from '../../protocol/index.js'
import { digitsOf, hexOf, isObject, readCurrency } from '../chain/index.js'
import type { ChargeMode, Hex } from './charge.js'

/** The one kind of offer this wallet pays. */
export const KIND: OfferKind = 'tempo/charge'

/** What proves a transfer, or that it can never happen. */
export interface TransactionDetail {
  readonly form: 'transaction'
  readonly mode: ChargeMode
  readonly sponsored: boolean
  readonly chainId: number
  readonly sender: Hex
  /** The access key that signed for the sender. */
  readonly key?: Hex
  readonly token: Hex
  /** Where the sender pays the fee: what it is paid in, whole, so that any process can count it. */
  readonly feeCurrency?: Currency
  /** On the primary transfer. Ours alone. */
  readonly memo: Hex
  /** The primary transfer first. */
  readonly transfers: readonly { readonly to: Hex; readonly amount: string }[]
  readonly nonceKey: Hex
  readonly nonce: string
  /** The lane's name; absent: an expiring nonce. */
  readonly lane?: string
  /** Seconds. No block from this time on can include it. */
  readonly validBefore: number
  /** What the nonce manager knows it by on an expiring nonce; on a lane, the lane's nonce says it. */
  readonly seen?: Hex
  /** The transaction's own hash. Unknown where a sponsor signs after us. */
  readonly hash?: Hex
}

/** A proof of identity: it moves nothing. */
export interface ProofDetail {
  readonly form: 'proof'
  readonly chainId: number
  readonly sender: Hex
}

export type Detail = TransactionDetail | ProofDetail

/** How long after `validBefore` a final block past it is likely to exist. */
export const FINALITY_MS = 3_000

/** Evidence for the ledger. */
export function evidenceOf(wallet: string, challengeId: string, detail: Detail): Evidence {
  const json = detail.form === 'proof' ? { ...detail } : jsonOf(detail)
  const found =
    detail.form === 'proof' ? [] : [detail.memo, detail.seen, detail.hash].filter((ref) => ref !== undefined)
  const recheckAt = detail.form === 'proof' ? {} : { recheckAt: detail.validBefore * 1000 + FINALITY_MS }
  return { wallet, kind: KIND, refs: [challengeId, ...found], ...recheckAt, detail: json }
}

function jsonOf({ feeCurrency, transfers, ...rest }: TransactionDetail): JsonObject {
  return {
    transfers: transfers.map((transfer) => ({ ...transfer })),
    ...(feeCurrency ? { feeCurrency: { ...feeCurrency } } : {}),
    ...rest,
  }
}

/** Reads evidence back, as a ledger returns it. Undefined: it is not this wallet's, or damaged. */
export function readDetail(json: Json): Detail | undefined {
  if (!isObject(json)) return undefined
  const chainId = json['chainId']
  const sender = hexOf(json['sender'])
  if (typeof chainId !== 'number' || sender === undefined) return undefined
  if (json['form'] === 'proof') return { form: 'proof', chainId, sender }
  return json['form'] === 'transaction' ? readTransaction(json, chainId, sender) : undefined
}

function readTransaction(json: JsonObject, chainId: number, sender: Hex): TransactionDetail | undefined {
  const { mode, sponsored, validBefore, lane } = json
  const [token, memo, nonceKey] = [json['token'], json['memo'], json['nonceKey']].map(hexOf)
  const nonce = digitsOf(json['nonce'])
  const transfers = readTransfers(json['transfers'])
  if (mode !== 'pull' && mode !== 'push') return undefined
  if (typeof sponsored !== 'boolean' || typeof validBefore !== 'number') return undefined
  if (!token || !memo || !nonceKey || nonce === undefined || !transfers) return undefined
  const feeCurrency = readCurrency(json['feeCurrency'])
  const seen = hexOf(json['seen'])
  const hash = hexOf(json['hash'])
  const key = hexOf(json['key'])
  // One of them must be there, or nothing could ever be read at a final block.
  if (seen === undefined && typeof lane !== 'string') return undefined
  return {
    form: 'transaction',
    mode,
    sponsored,
    chainId,
    sender,
    token,
    memo,
    transfers,
    nonceKey,
    nonce,
    validBefore,
    ...(seen ? { seen } : {}),
    ...(feeCurrency ? { feeCurrency } : {}),
    ...(typeof lane === 'string' ? { lane } : {}),
    ...(hash ? { hash } : {}),
    ...(key ? { key } : {}),
  }
}

function readTransfers(value: Json | undefined): TransactionDetail['transfers'] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const transfers: { to: Hex; amount: string }[] = []
  for (const entry of value) {
    if (!isObject(entry)) return undefined
    const to = hexOf(entry['to'])
    const amount = digitsOf(entry['amount'])
    if (to === undefined || amount === undefined) return undefined
    transfers.push({ to, amount })
  }
  return transfers
}
