import { bytesToHex, keccak256 } from 'viem/utils'
import type { Currency, Instant } from '../money/index.js'
import type { Bounds, Fee } from '../policy/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import {
  addressOf,
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
import type { Call } from './calls.js'

/** What is done on the chain. */
export type AccountTransaction = 'open' | 'topUp' | 'requestClose' | 'withdraw'

/**
 * Limits of gas. Each storage slot that a channel creates costs 250,000, and simulations set gas aside for the largest
 * signature there is; reference sponsors pay for two million at the most.
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
/** The limit's last digits are random: two equal deeds in one second must be two transactions. */
const RANDOM_GAS_BYTES = 2
const MOST_RANDOM_GAS = 2n ** 16n - 1n

/** What a deed's fee may come to, and tends to come to. */
export function feeFor(deed: AccountTransaction, token: Currency, { maxFeePerGas }: Config): Fee {
  return {
    bound: feeAmount(LIMITS[deed] + MOST_RANDOM_GAS, maxFeePerGas, token),
    usual: feeAmount(USUAL[deed], maxFeePerGas, token),
  }
}

/** A transaction before its signature. */
export interface Draft {
  readonly tx: Envelope
  readonly encoded: Hex
  /** What the chain knows it by, signed or not, sponsored or not. */
  readonly seen: Hex
}

/** On an expiring nonce: sponsors demand it, v2 names channels by it, and a deposit is no payment that repeats. */
export function draft(
  deed: AccountTransaction,
  calls: readonly Call[],
  run: {
    readonly chainId: number
    readonly validBefore: number
    /** Absent: the server pays. */
    readonly feeCurrency: Currency | undefined
  },
  config: Config,
): Draft {
  const tx: Envelope = {
    chainId: run.chainId,
    maxPriorityFeePerGas: config.maxPriorityFeePerGas,
    maxFeePerGas: config.maxFeePerGas,
    gas: LIMITS[deed] + BigInt(bytesToHex(config.random(RANDOM_GAS_BYTES))),
    calls,
    nonceKey: EXPIRING,
    nonce: 0n,
    validBefore: run.validBefore,
    ...(run.feeCurrency === undefined ? {} : { feeToken: addressOf(run.feeCurrency) }),
  }
  const encoded = encodeForSigning(tx)
  return { tx, encoded, seen: seenHash(encoded, config.sender) }
}

/** A sponsor's signature is part of the hash, so only an unsponsored transaction's is known. */
export async function signed(
  { tx, encoded }: Draft,
  config: Config,
  signal: AbortSignal | undefined,
): Promise<{ readonly raw: Hex; readonly hash?: Hex }> {
  const signature = await sign(keccak256(encoded), config, signal)
  const raw = serialize(tx, config.sender, signature)
  return tx.feeToken === undefined ? { raw } : { raw, hash: keccak256(raw) }
}

/** Until when a transaction that answers an offer may live. Undefined: that leaves too little time. */
export function liveUntil(
  expires: Instant | undefined,
  now: Instant,
  { maxValidityMs }: Bounds,
  { validityMs }: Config,
): Instant | undefined {
  const until = Math.min(expires ?? Number.POSITIVE_INFINITY, now + Math.min(validityMs, maxValidityMs))
  return until >= now + LEAST_VALIDITY_MS ? until : undefined
}

/** The same, in seconds, for what is about to be signed. */
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
