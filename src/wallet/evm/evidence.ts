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
  /** The price in smallest units, or its maximum if the price is known only afterwards. */
  amount: digits,
  /** By the local clock. Searches begin well before this time, and it proves nothing. */
  signedAt: z.number(),
}

/** The data that proves a transfer by EIP-3009, or that the transfer can never happen. */
const authorization = z.object({
  form: z.literal('authorization'),
  ...common,
  nonce: hex,
  /** In seconds. No block from this time on can include the transfer. */
  validBefore: z.number(),
})
export type AuthorizationDetail = Readonly<z.output<typeof authorization>>

/** The data that proves a transfer by Permit2 through an x402 proxy. */
const permit = z.object({
  form: z.literal('permit2'),
  ...common,
  nonce: hex,
  /** In seconds. No block after this time can include the transfer. */
  deadline: z.number(),
  /** Set if the price is known only afterwards. */
  facilitator: z.optional(hex),
  /** The complete currency of `amount`, so that any process can count the taken amount. */
  currency,
})
export type PermitDetail = Readonly<z.output<typeof permit>>

/** The data that proves a transfer by the payer's own transaction. */
const transaction = z.object({
  form: z.literal('transaction'),
  ...common,
  way: z.enum(['transaction', 'hash']),
  nonce: digits,
  hash: hex,
  /** The newest block at the time of signing. A transaction that uses its nonce is in a later block. */
  after: digits,
  /** The complete currency that pays for its gas. */
  coin: currency,
})
export type TransactionDetail = Readonly<z.output<typeof transaction>>

/** A sign-in. It moves no money. */
const proof = z.object({ form: z.literal('proof'), chainId: z.number(), sender: hex })
export type ProofDetail = Readonly<z.output<typeof proof>>

export type PaidDetail = AuthorizationDetail | PermitDetail | TransactionDetail
export type Detail = PaidDetail | ProofDetail

/** The time in milliseconds after a credential's expiry until a later block is probably final. */
export const FINALITY_MS = 3_000
/** The time until a server settles a price that is known only after the answer, in milliseconds. */
const SETTLING_MS = 2_000
/** The time until a transaction should be in a block, in milliseconds. It has no expiry. */
const MINED_MS = 15_000

/** Returns the time of the first useful check. */
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

/** Returns the time after which the credential cannot be accepted. Undefined if it does not expire. */
export function deadAt(detail: Detail): Instant | undefined {
  if (detail.form === 'transaction' || detail.form === 'proof') return undefined
  const end = detail.form === 'authorization' ? detail.validBefore : detail.deadline + 1
  return end * 1000 + FINALITY_MS
}

export function evidenceOf(wallet: string, kind: OfferKind, challengeId: string, detail: Detail): Evidence {
  const json = toJson(detail)
  if (detail.form === 'proof') return { wallet, kind, refs: [challengeId], detail: json }
  const ref = detail.form === 'transaction' ? detail.hash : detail.nonce
  return { wallet, kind, refs: [challengeId, ref], recheckAt: dueAt(detail), detail: json }
}

/** Reads evidence from the ledger. Undefined if it belongs to another wallet or is damaged. */
export const readDetail: (json: Json) => Detail | undefined = reader(
  z.union([authorization, tolerant(permit, ['facilitator']), transaction, proof]),
)
