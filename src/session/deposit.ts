import { type Amount, amount, type Currency, formatAmount } from '../money/index.js'
import { partsWithin } from '../money/rates.js'
import type { Bounds, Fee } from '../policy/index.js'
import type { QuoteContext, Unpayable } from '../wallet/index.js'
import { addressOf } from '../wallet/tempo/kit.js'
import { mostOf, type Session } from './challenge.js'
import { type Parts, partsOf } from './options.js'

/** How many calls a deposit is meant for, where nothing else is said. */
const CALLS = 100n

/** What a new channel gets: by our own option and policy. The server's suggestion can only lower it. */
export function depositFor(session: Session, currency: Currency, bounds: Bounds, parts: Parts): bigint {
  const { price, suggested } = session
  const wished = parts.deposit === undefined ? price * CALLS : partsOf(parts.deposit, currency)
  const lowered = suggested !== undefined && suggested < wished ? suggested : wished
  return clamp(lowered, price, lowest(lockable(bounds, currency), mostOf(session)))
}

/** What a channel that runs dry gets on top: at least what this payment needs, whatever policy will say to that. */
export function topUpFor(
  session: Session,
  { needs, has }: { readonly needs: bigint; readonly has: bigint },
  currency: Currency,
  bounds: Bounds,
  parts: Parts,
): bigint {
  const text = parts.topUp ?? parts.deposit
  const wished = text === undefined ? session.price * CALLS : partsOf(text, currency)
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

/** Says what the account lacks for a deposit and its fee, by the cached balance; before it says so, it looks again. */
export async function shortOf(
  locks: Amount,
  fee: Fee | undefined,
  chainId: number,
  { now }: Pick<QuoteContext, 'now'>,
  { balances }: Parts,
): Promise<Unpayable | undefined> {
  for (const need of needsOf(locks, fee?.bound)) {
    const token = addressOf(need.currency)
    const enough = (held: bigint | undefined) => held === undefined || held >= need.value
    if (enough(await balances.known(chainId, token, now))) continue
    const held = await balances.read(chainId, token, now)
    if (enough(held)) continue
    const holds = formatAmount(amount(held ?? 0n, need.currency))
    const wants = `a deposit of ${formatAmount(locks)}${fee ? ` and up to ${formatAmount(fee.bound)} for its fee` : ''}`
    return {
      unpayable: `The account holds ${holds}, and this session needs ${wants}`,
      code: 'insufficient_funds',
    }
  }
  return undefined
}

function needsOf(locks: Amount, fee: Amount | undefined): readonly Amount[] {
  if (fee === undefined) return [locks]
  if (fee.currency.id !== locks.currency.id) return [locks, fee]
  return [amount(locks.value + fee.value, locks.currency)]
}
