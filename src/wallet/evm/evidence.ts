import * as z from 'zod/mini'
import type { Evidence } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { Json, OfferKind } from '../../protocol/index.js'
import { currency, digits, hex, reader, toJson, tolerant } from '../evidence.js'

const common = {
  chainId: z.number(),
  sender: hex,
  token: hex,
  to: hex,
  /** In smallest parts; of a price that is known only afterwards, the most. */
  amount: digits,
  /** By our clock: searches begin well before it, and nothing is proven by it. */
  signedAt: z.number(),
}

/** What proves a transfer by EIP-3009, or that it can never happen. */
const authorization = z.object({
  form: z.literal('authorization'),
  ...common,
  nonce: hex,
  /** Seconds. No block from this time on can include it. */
  validBefore: z.number(),
})
export type AuthorizationDetail = Readonly<z.output<typeof authorization>>

/** What proves a transfer by Permit2 through an x402 proxy. */
const permit = z.object({
  form: z.literal('permit2'),
  ...common,
  nonce: hex,
  /** Seconds. No block after this time can include it. */
  deadline: z.number(),
  /** Set if the price is known only afterwards. */
  facilitator: z.exactOptional(hex),
  /** The currency of `amount`, complete, so that any process can say how much was taken. */
  currency,
})
export type PermitDetail = Readonly<z.output<typeof permit>>

/** What proves a transfer that the payer signed as a transaction. */
const transaction = z.object({
  form: z.literal('transaction'),
  ...common,
  way: z.enum(['transaction', 'hash']),
  nonce: digits,
  hash: hex,
  /** The newest block when it was signed: a transaction that took its nonce came later. */
  after: digits,
  /** The currency that pays for its gas, complete. */
  coin: currency,
})
export type TransactionDetail = Readonly<z.output<typeof transaction>>

/** A sign-in: it moves nothing. */
const proof = z.object({ form: z.literal('proof'), chainId: z.number(), sender: hex })
export type ProofDetail = Readonly<z.output<typeof proof>>

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
  const json = toJson(detail)
  if (detail.form === 'proof') return { wallet, kind, refs: [challengeId], detail: json }
  const ref = detail.form === 'transaction' ? detail.hash : detail.nonce
  return { wallet, kind, refs: [challengeId, ref], recheckAt: dueAt(detail), detail: json }
}

/** Reads evidence back, as a ledger returns it. Undefined: it is not this wallet's, or damaged. */
export const readDetail: (json: Json) => Detail | undefined = reader(
  z.union([authorization, tolerant(permit, ['facilitator']), transaction, proof]),
)
