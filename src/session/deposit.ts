import { type Amount, type Currency, formatAmount } from '../money/index.js'
import { partsWithin } from '../money/rates.js'
import type { Bounds, Fee } from '../policy/index.js'
import type { Unpayable } from '../wallet/index.js'
import { type Funded, feesOf, fundedBy } from '../wallet/tempo/shared.js'
import { mostOf, type Session } from './challenge.js'
import type { SessionOffer } from './offer.js'
import { contextOf, type SessionContext } from './options.js'
import { type AccountTransaction, feeFor } from './transaction.js'

/** How many calls a deposit is meant for, where nothing else is said. */
const CALLS = 100n

/** What a new channel gets: by our own option and policy. The server's suggestion can only lower it. */
export function depositFor(
  session: Session,
  currency: Currency,
  bounds: Bounds,
  parts: SessionContext,
): bigint {
  const { price, suggested } = session
  const wished = parts.deposit === undefined ? price * CALLS : contextOf(parts.deposit, currency)
  const lowered = suggested !== undefined && suggested < wished ? suggested : wished
  return clamp(lowered, price, lowest(lockable(bounds, currency), mostOf(session)))
}

/** What a channel that runs dry gets on top: at least what this payment needs, whatever policy will say to that. */
export function topUpFor(
  session: Session,
  { needs, has }: { readonly needs: bigint; readonly has: bigint },
  currency: Currency,
  bounds: Bounds,
  parts: SessionContext,
): bigint {
  const text = parts.topUp ?? parts.deposit
  const wished = text === undefined ? session.price * CALLS : contextOf(text, currency)
  const room = lockable(bounds, currency) - has
  return clamp(wished, needs, lowest(room, mostOf(session) - has))
}

/** What policy lets lie with this vendor, in parts of the token; a token that cannot be counted has no limit here. */
function lockable({ maxLock, unit }: Bounds, currency: Currency): bigint {
  return partsWithin(maxLock, currency, unit) ?? 2n ** 128n
}

/** The least wins over the most: what is too dear is for policy to refuse, with its own words. */
function clamp(value: bigint, least: bigint, most: bigint): bigint {
  const capped = lowest(value, most)
  return capped > least ? capped : least
}

function lowest(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

/** The fee of a deed, in the first token that the account holds enough of, beside what the deed locks up. */
export function fundedFor(
  deed: AccountTransaction,
  locks: Amount,
  asked: SessionOffer,
): Promise<Funded | Unpayable> {
  const { session, currency, context, parts } = asked
  const fees = feesOf(session, currency, context, parts.config, (token) => feeFor(deed, token, parts.config))
  return 'unpayable' in fees ? Promise.resolve(fees) : funded(locks, fees, asked)
}

/** Nothing but what is locked up: the server pays the fee. */
export function fundedAlone(locks: Amount, asked: SessionOffer): Promise<Funded | Unpayable> {
  return funded(locks, [], asked)
}

function funded(locks: Amount, fees: readonly Fee[], asked: SessionOffer): Promise<Funded | Unpayable> {
  const { session, context, parts } = asked
  const message = `this session needs ${locks.value === 0n ? '' : `a deposit of ${formatAmount(locks)}`}`
  return fundedBy({ chainId: session.chainId, takes: locks, fees, message }, context, parts)
}
