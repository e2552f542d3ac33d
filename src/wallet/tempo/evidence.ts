import * as z from 'zod/mini'
import type { Evidence } from '../../ledger/index.js'
import type { Json, OfferKind } from '../../protocol/index.js'
import { currency, digits, hex, reader, toJson, tolerant } from '../evidence.js'

/** The one kind of offer this wallet pays. */
export const KIND: OfferKind = 'tempo/charge'

/** What proves a transfer, or that it can never happen. */
const transaction = z
  .object({
    form: z.literal('transaction'),
    mode: z.enum(['pull', 'push']),
    sponsored: z.boolean(),
    chainId: z.number(),
    sender: hex,
    /** The access key that signed for the sender. */
    key: z.exactOptional(hex),
    token: hex,
    /** Set if the sender pays the fee: the currency it is paid in, complete, so that any process can count it. */
    feeCurrency: z.exactOptional(currency),
    /** On the primary transfer. Ours alone. */
    memo: hex,
    /** The primary transfer first. */
    transfers: z.readonly(z.array(z.object({ to: hex, amount: digits })).check(z.minLength(1))),
    nonceKey: hex,
    nonce: digits,
    /** The lane's name; absent: an expiring nonce. */
    lane: z.exactOptional(z.string()),
    /** Seconds. No block from this time on can include it. */
    validBefore: z.number(),
    /** The hash that the nonce manager knows an expiring nonce by. A lane needs none: its nonce says it. */
    seen: z.exactOptional(hex),
    /** The transaction's own hash. Unknown if a sponsor signs after us. */
    hash: z.exactOptional(hex),
  })
  // One of them must be there, or nothing could ever be read at a final block.
  .check(z.refine(({ seen, lane }) => seen !== undefined || lane !== undefined))
export type TransactionDetail = Readonly<z.output<typeof transaction>>

/** A proof of identity: it moves nothing. */
const proof = z.object({ form: z.literal('proof'), chainId: z.number(), sender: hex })
export type ProofDetail = Readonly<z.output<typeof proof>>

export type Detail = TransactionDetail | ProofDetail

/** How long after `validBefore` a final block past it is likely to exist. */
export const FINALITY_MS = 3_000

/** Evidence for the ledger. */
export function evidenceOf(wallet: string, challengeId: string, detail: Detail): Evidence {
  const json = toJson(detail)
  if (detail.form === 'proof') return { wallet, kind: KIND, refs: [challengeId], detail: json }
  const { memo, seen, hash, validBefore } = detail
  const refs = [challengeId, memo, seen, hash].filter((ref) => ref !== undefined)
  return { wallet, kind: KIND, refs, recheckAt: validBefore * 1000 + FINALITY_MS, detail: json }
}

/** Reads evidence back, as a ledger returns it. Undefined: it is not this wallet's, or damaged. */
export const readDetail: (json: Json) => Detail | undefined = reader(
  z.union([tolerant(transaction, ['key', 'feeCurrency', 'lane', 'seen', 'hash']), proof]),
)
