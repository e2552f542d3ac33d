import { amount } from '../money/index.js'
import type { Fee, Terms } from '../policy/index.js'
import type { Quote, Unpayable } from '../wallet/index.js'
import { unpayable } from '../wallet/shared.js'
import { networkOf } from '../wallet/tempo/shared.js'
import { isOwnEscrow } from './challenge.js'
import { fundedAlone, fundedFor } from './deposit.js'
import { KIND } from './evidence.js'
import type { SessionOffer } from './offer.js'
import { type AccountTransaction, liveUntil } from './transaction.js'

/** Returns the terms of an action that locks money, if fee, funds and time allow it. */
export async function withFunding(
  kind: Extract<AccountTransaction, 'open' | 'topUp'>,
  { price, add }: { readonly price: bigint; readonly add: bigint },
  asked: SessionOffer,
): Promise<Omit<Quote, 'lane'> | Unpayable> {
  const { session, currency, context, parts, challenge } = asked
  const until = liveUntil(challenge.expires, context.now, context.bounds, parts.config)
  if (until === undefined) return unpayable('The offer leaves too little time to lock up a deposit')
  const locks = amount(add, currency)
  const funded = session.sponsored ? await fundedAlone(locks, asked) : await fundedFor(kind, locks, asked)
  if ('unpayable' in funded) return funded
  const terms: Terms = { ...termsOf(asked, price, funded.fee), locks }
  return { ...quoteOf(asked), terms, goodUntil: until }
}

/** Returns the normal form that the policy judges. If nothing is bought, only the deposit moves. */
export function termsOf(
  { session, currency }: Pick<SessionOffer, 'session' | 'currency'>,
  price: bigint,
  fee?: Fee,
): Terms {
  const most = amount(price, currency)
  return {
    purpose: price === 0n ? 'fund' : 'pay',
    kind: KIND,
    network: networkOf(session),
    most,
    exact: true,
    payees: [{ id: session.payee, amount: most }],
    ...(fee === undefined ? {} : { fee }),
    ...(isOwnEscrow(session) ? {} : { escrow: session.escrow }),
  }
}

export function quoteOf({
  challenge,
  context,
  parts,
}: SessionOffer): Pick<Quote, 'wallet' | 'challenge' | 'resource'> {
  return { wallet: parts.id, challenge, resource: context.resource }
}
