import { bytesToHex, keccak256 } from 'viem/utils'
import type { Currency, Instant } from '../money/index.js'
import type { Bounds, Fee } from '../policy/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import {
  addressOf,
  type Call,
  type Config,
  type Envelope,
  EXPIRING,
  encodeForSigning,
  failed,
  feeAmount,
  LEAST_VALIDITY_MS,
  seenHash,
  serialize,
  sign,
} from '../wallet/tempo/shared.js'

/** The transactions of a channel. */
export type AccountTransaction = 'open' | 'topUp' | 'requestClose' | 'withdraw'

/**
 * Gas limits. Each storage slot that a channel creates costs 250,000, and simulations reserve gas for the largest
 * signature. Reference sponsors pay for at most two million.
 */
const LIMITS: Readonly<Record<AccountTransaction, bigint>> = {
  open: 1_900_000n,
  topUp: 1_200_000n,
  requestClose: 800_000n,
  withdraw: 800_000n,
}
const USUAL: Readonly<Record<AccountTransaction, bigint>> = {
  open: 1_100_000n,
  topUp: 350_000n,
  requestClose: 100_000n,
  withdraw: 150_000n,
}
/** The limit's last digits are random, because two equal transactions in one second must differ. */
const RANDOM_GAS_BYTES = 2
const MOST_RANDOM_GAS = 2n ** 16n - 1n

/** Returns the maximum and the usual fee of a transaction. */
export function feeFor(kind: AccountTransaction, token: Currency, { maxFeePerGas }: Config): Fee {
  return {
    bound: feeAmount(LIMITS[kind] + MOST_RANDOM_GAS, maxFeePerGas, token),
    usual: feeAmount(USUAL[kind], maxFeePerGas, token),
  }
}

/** A transaction before its signature. */
export interface Draft {
  readonly tx: Envelope
  readonly encoded: Hex
  /** The hash by which the chain knows it, whether or not it is signed or sponsored. */
  readonly seen: Hex
}

/** Drafts a transaction on an expiring nonce: sponsors require it, and v2 names channels by it. */
export function draft(
  kind: AccountTransaction,
  calls: readonly Call[],
  run: {
    readonly chainId: number
    readonly validBefore: number
    /** Absent if the server pays. */
    readonly feeCurrency: Currency | undefined
  },
  config: Config,
): Draft {
  const tx: Envelope = {
    chainId: run.chainId,
    maxPriorityFeePerGas: config.maxPriorityFeePerGas,
    maxFeePerGas: config.maxFeePerGas,
    gas: LIMITS[kind] + BigInt(bytesToHex(config.random(RANDOM_GAS_BYTES))),
    calls,
    nonceKey: EXPIRING,
    nonce: 0n,
    validBefore: run.validBefore,
    ...(run.feeCurrency === undefined ? {} : { feeToken: addressOf(run.feeCurrency) }),
  }
  const encoded = encodeForSigning(tx)
  return { tx, encoded, seen: seenHash(encoded, config.sender) }
}

/** Signs a draft. A sponsor's signature is part of the hash, so the hash is known only if no sponsor signs. */
export async function signed(
  { tx, encoded }: Draft,
  config: Config,
  signal: AbortSignal | undefined,
): Promise<{ readonly raw: Hex; readonly hash?: Hex }> {
  const signature = await sign(keccak256(encoded), config, signal)
  const raw = serialize(tx, config.sender, signature)
  return tx.feeToken === undefined ? { raw } : { raw, hash: keccak256(raw) }
}

/** Returns the latest expiry of a transaction that answers an offer. Undefined if too little time is left. */
export function liveUntil(
  expires: Instant | undefined,
  now: Instant,
  { maxValidityMs }: Bounds,
  { validityMs }: Config,
): Instant | undefined {
  const until = Math.min(expires ?? Number.POSITIVE_INFINITY, now + Math.min(validityMs, maxValidityMs))
  return until >= now + LEAST_VALIDITY_MS ? until : undefined
}

/** Returns the same in seconds, for a transaction about to be signed. */
export function validBefore(
  expires: Instant | undefined,
  now: Instant,
  bounds: Bounds,
  config: Config,
): number {
  const until = liveUntil(expires, now, bounds, config)
  if (until === undefined) throw failed('The offer leaves too little time to pay, so nothing was signed')
  return Math.floor(until / 1000)
}
