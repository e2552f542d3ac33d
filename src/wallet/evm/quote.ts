import type { Evidence } from '../../ledger/index.js'
import { amount, formatAmount, type Instant } from '../../money/index.js'
import type { Fee, Terms } from '../../policy/index.js'
import type { Challenge } from '../../protocol/index.js'
import type { CachedReads } from '../chain/index.js'
import type { Quote, QuoteContext, Unpayable } from '../index.js'
import { inDoubt, goodUntil as offerEnd, overFee, unpayable } from '../shared.js'
import { deadAt, readDetail } from './evidence.js'
import { NO_TOKEN } from './holdings.js'
import type { Offer } from './offer.js'
import { type Config, LEAST_VALIDITY_MS } from './options.js'
import { type Choice, choose, currencyOf, type EvmContext, feeOf, paysGas, planOf, termsOf } from './plan.js'

/**
 * Reads an offer. Signs nothing. It waits for a node only the first time that it needs data of a token: its signing
 * domain, the account's balance, the amount that Permit2 may take.
 */
export async function quoteOffer(
  challenge: Challenge,
  context: QuoteContext,
  wallet: EvmContext,
): Promise<Quote | Unpayable> {
  const { config } = wallet
  const choice = choose(challenge, config)
  if ('unpayable' in choice) return choice
  const { offer, way } = choice
  const currency = currencyOf(offer, context, config)
  if ('unpayable' in currency) return currency
  const plan = await planOf(choice, wallet.domains)
  if ('unpayable' in plan) return plan
  const until = goodUntil(challenge, offer, context, config)
  if (typeof until !== 'number') return until
  const place = placeOf(plan, context.earlierEvidence, config)
  if ('unpayable' in place) return place
  const fee = paysGas(way) ? await feeOf(offer, context, wallet) : undefined
  if (paysGas(way) && fee === undefined)
    return unpayable('No node reports the price of gas: check `rpc` of the wallet', 'wallet_unavailable')
  const terms = termsOf(offer, currency, fee)
  const refusal = overFee(terms, context) ?? (await shortOf(plan, terms, context.now, wallet))
  if (refusal !== undefined) return refusal
  // A transaction has no expiry, but its challenge has one.
  return { wallet: config.id, challenge, resource: context.resource, terms, goodUntil: until, ...place }
}

/**
 * Returns the earliest of four limits: the offer's expiry, the server's need, the policy's limit, and the user's
 * option.
 */
export function goodUntil(
  challenge: Challenge,
  { lifeMs = Number.POSITIVE_INFINITY }: Pick<Offer, 'lifeMs'>,
  context: Pick<QuoteContext, 'now' | 'bounds'>,
  { validityMs }: Pick<Config, 'validityMs'>,
): Instant | Unpayable {
  return offerEnd(challenge, context, Math.min(lifeMs, validityMs), LEAST_VALIDITY_MS)
}

type Place = Pick<Quote, 'lane' | 'replaces'>

/** Names the lane of an account. Its transactions run one after the other, because two must never use one nonce. */
export function laneName(chainId: number, sender: string): string {
  return `evm:${chainId}:${sender}`
}

/** Chooses the lane. After an earlier credential that may still settle, only that credential's place is allowed. */
function placeOf({ way, offer }: Choice, after: Evidence | undefined, { sender }: Config): Place | Unpayable {
  const { chainId } = offer
  const lane = { names: [laneName(chainId, sender)], otherwise: 'wait' } as const
  const detail = after && readDetail(after.detail)
  // A sign-in moves no money, so there is nothing to exclude.
  if (after === undefined || detail?.form === 'proof') return paysGas(way) ? { lane } : {}
  const same = detail !== undefined && detail.chainId === chainId && detail.sender === sender
  if (same && way === 'transaction' && detail.form === 'transaction' && detail.way === way)
    return { lane, replaces: { name: laneName(chainId, sender), value: BigInt(detail.nonce) } }
  if (same && way === 'authorization' && detail.form === way && mayTake(offer, detail))
    return { replaces: { name: `eip3009:${chainId}:${offer.token}:${sender}`, value: BigInt(detail.nonce) } }
  // Permit2 keeps nonces per owner, for all tokens.
  if (same && way === 'permit2' && detail.form === way)
    return { replaces: { name: `permit2:${chainId}:${sender}`, value: BigInt(detail.nonce) } }
  return inDoubt(detail && deadAt(detail))
}

/** Tells whether the offer can use the earlier nonce: a token has its own nonces, and some protocols fix the nonce. */
function mayTake(offer: Offer, { token, nonce }: { token: string; nonce: string }): boolean {
  if (offer.token !== token || offer.routeBound) return false
  return offer.nonce === undefined || offer.nonce === nonce
}

/** Reports missing funds from cached values. Before it reports them, it reads again. */
async function shortOf(
  { way, offer }: Choice,
  terms: Terms,
  now: Instant,
  { holdings }: EvmContext,
): Promise<Unpayable | undefined> {
  const { chainId, token } = offer
  const { most, fee } = terms
  const held = await short(holdings.tokens, chainId, token, most.value, now)
  if (held !== undefined)
    return unpayable(
      `The account holds ${formatAmount(amount(held, most.currency))}, and this payment needs ${formatAmount(most)}`,
      'insufficient_funds',
    )
  if (way === 'permit2') {
    const allowed = await short(holdings.allowance, chainId, token, most.value, now)
    if (allowed !== undefined)
      return unpayable(
        `Permit2 may take ${formatAmount(amount(allowed, most.currency))}, and this payment needs ${formatAmount(most)}: approve it once, with approvePermit2`,
        'insufficient_funds',
      )
  }
  return fee && shortOfGas(fee, await short(holdings.coin, chainId, NO_TOKEN, fee.bound.value, now))
}

function shortOfGas({ bound }: Fee, held: bigint | undefined): Unpayable | undefined {
  if (held === undefined) return undefined
  const has = formatAmount(amount(held, bound.currency))
  return unpayable(
    `The account holds ${has}, and the gas of this payment may cost up to ${formatAmount(bound)}. The account needs that coin`,
    'insufficient_funds',
  )
}

async function short(
  { known, read }: Pick<CachedReads<bigint>, 'known' | 'read'>,
  chainId: number,
  token: `0x${string}`,
  need: bigint,
  now: Instant,
): Promise<bigint | undefined> {
  const enough = (value: bigint | undefined) => value === undefined || value >= need
  if (enough(await known(chainId, token, now))) return undefined
  const value = await read(chainId, token, now)
  return enough(value) ? undefined : value
}
