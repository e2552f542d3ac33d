import * as z from 'zod/mini'
import type { Evidence } from '../../ledger/index.js'
import type { Json, OfferKind } from '../../protocol/index.js'
import { currency, digits, hex, reader, toJson, tolerant } from '../evidence.js'

export const KIND: OfferKind = 'tempo/charge'

/** The data that proves a transfer, or that the transfer can never happen. */
const transaction = z
  .object({
    form: z.literal('transaction'),
    mode: z.enum(['pull', 'push']),
    sponsored: z.boolean(),
    chainId: z.number(),
    sender: hex,
    /** The access key that signed for the sender. */
    key: z.optional(hex),
    token: hex,
    /** The complete currency of the fee. Absent if the server pays the fee. */
    feeCurrency: z.optional(currency),
    /** The memo on the primary transfer. No other payment has it. */
    memo: hex,
    /** The primary transfer first. */
    transfers: z.readonly(z.array(z.object({ to: hex, amount: digits })).check(z.minLength(1))),
    nonceKey: hex,
    nonce: digits,
    /** The name of the lane. Absent for an expiring nonce. */
    lane: z.optional(z.string()),
    /** In seconds. No block from this time on can include the transaction. */
    validBefore: z.number(),
    /** The hash by which the nonce manager knows an expiring nonce. Absent for a lane, which has its own nonce. */
    seen: z.optional(hex),
    /** The hash of the transaction. Unknown if a sponsor signs after the payer. */
    hash: z.optional(hex),
  })
  // Without both, no final block could prove the result.
  .check(z.refine(({ seen, lane }) => seen !== undefined || lane !== undefined))
export type TransactionDetail = Readonly<z.output<typeof transaction>>

const proof = z.object({ form: z.literal('proof'), chainId: z.number(), sender: hex })
export type ProofDetail = Readonly<z.output<typeof proof>>

export type Detail = TransactionDetail | ProofDetail

/** The time in milliseconds after `validBefore` until a later block is probably final. */
export const FINALITY_MS = 3_000

export function evidenceOf(wallet: string, challengeId: string, detail: Detail): Evidence {
  const json = toJson(detail)
  if (detail.form === 'proof') return { wallet, kind: KIND, refs: [challengeId], detail: json }
  const { memo, seen, hash, validBefore } = detail
  const refs = [challengeId, memo, seen, hash].filter((ref) => ref !== undefined)
  return { wallet, kind: KIND, refs, recheckAt: validBefore * 1000 + FINALITY_MS, detail: json }
}

/** Reads evidence from the ledger. Undefined if it belongs to another wallet or is damaged. */
export const readDetail: (json: Json) => Detail | undefined = reader(
  z.union([tolerant(transaction, ['key', 'feeCurrency', 'lane', 'seen', 'hash']), proof]),
)
