import { type Amount, type Currency, formatAmount, partsWithin } from '../money/index.js'
import type { Bounds, Fee } from '../policy/index.js'
import type { Unpayable } from '../wallet/index.js'
import { type Funded, feesOf, fundedBy } from '../wallet/tempo/shared.js'
import { mostOf } from './challenge.js'
import type { SessionOffer } from './offer.js'
import { contextOf } from './options.js'
import { type AccountTransaction, feeFor } from './transaction.js'

/** The number of calls that a deposit covers by default. */
const CALLS = 100n

/**
 * Returns the deposit of a new channel: by the wallet's option and the policy. The server's suggestion can only lower
 * it.
 */
export function depositFor({ session, currency, context: { bounds }, parts }: SessionOffer): bigint {
  const { price, suggested } = session
  const wished = parts.deposit === undefined ? price * CALLS : contextOf(parts.deposit, currency)
  const lowered = suggested !== undefined && suggested < wished ? suggested : wished
  return clamp(lowered, price, lowest(lockable(bounds, currency), mostOf(session)))
}

/** Returns the top-up of a channel: at least the amount that this payment needs. The policy then judges it. */
export function topUpFor(
  { needs, has }: { readonly needs: bigint; readonly has: bigint },
  { session, currency, context: { bounds }, parts }: SessionOffer,
): bigint {
  const text = parts.topUp ?? parts.deposit
  const wished = text === undefined ? session.price * CALLS : contextOf(text, currency)
  const room = lockable(bounds, currency) - has
  return clamp(wished, needs, lowest(room, mostOf(session) - has))
}

/**
 * Returns the policy's limit for this vendor in the token's smallest units. A token that cannot be counted has no limit
 * here.
 */
function lockable({ maxLock, unit }: Bounds, currency: Currency): bigint {
  return partsWithin(maxLock, currency, unit) ?? 2n ** 128n
}

/**
 * Limits a value. The minimum wins over the maximum: if that is too expensive, the policy refuses it with its own
 * reason.
 */
function clamp(value: bigint, least: bigint, most: bigint): bigint {
  const capped = lowest(value, most)
  return capped > least ? capped : least
}

function lowest(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

/**
 * Finds the fee of a transaction, in the first token that the account holds enough of in addition to the locked amount.
 */
export function fundedFor(
  kind: AccountTransaction,
  locks: Amount,
  asked: SessionOffer,
): Promise<Funded | Unpayable> {
  const { session, currency, context, parts } = asked
  const fees = feesOf(session, currency, context, parts.config, (token) => feeFor(kind, token, parts.config))
  return 'unpayable' in fees ? Promise.resolve(fees) : funded(locks, fees, asked)
}

/** Checks the funds for the locked amount only: the server pays the fee. */
export function fundedAlone(locks: Amount, asked: SessionOffer): Promise<Funded | Unpayable> {
  return funded(locks, [], asked)
}

function funded(locks: Amount, fees: readonly Fee[], asked: SessionOffer): Promise<Funded | Unpayable> {
  const { session, context, parts } = asked
  const message = `this session needs ${locks.value === 0n ? '' : `a deposit of ${formatAmount(locks)}`}`
  return fundedBy({ chainId: session.chainId, takes: locks, fees, message }, context, parts)
}
