import { amount, type Currency } from '../../money/index.js'
import type { Fee, Terms } from '../../policy/index.js'
import type { Challenge, OfferKind } from '../../protocol/index.js'
import { chainRefusal, networkOf, tokenCurrency } from '../chain/index.js'
import type { PrepareOptions, QuoteContext, Spendable, Unpayable } from '../index.js'
import { unpayable } from '../shared.js'
import type { Domains } from './domains.js'
import { type Holdings, NO_TOKEN } from './holdings.js'
import { readMppCharge, readUsdcCharge } from './mpp.js'
import type { Offer } from './offer.js'
import type { Config, EvmWay } from './options.js'
import { coinOf, type TokenDomain } from './tokens.js'
import { readX402 } from './x402.js'

export interface EvmContext {
  readonly config: Config
  readonly domains: Domains
  readonly holdings: Holdings
}

/** A payment to sign, and its expiry in seconds. */
export interface Task {
  readonly spendable: Spendable
  readonly options: PrepareOptions
  readonly wallet: EvmContext
  readonly offer: Offer
  readonly until: number
}

/** An offer, and the way in which this wallet pays it. */
export interface Choice {
  readonly offer: Offer
  readonly way: EvmWay
}

/** A choice with all data that signing needs. */
export type Plan =
  | { readonly way: 'authorization'; readonly offer: Offer; readonly domain: TokenDomain }
  | { readonly way: Exclude<EvmWay, 'authorization'>; readonly offer: Offer }

export const PAID_KINDS: readonly OfferKind[] = ['evm/charge', 'usdc/charge', 'x402/exact', 'x402/upto']

function readOffer(challenge: Challenge): Offer | Unpayable {
  switch (challenge.kind) {
    case 'evm/charge':
      return readMppCharge(challenge)
    case 'usdc/charge':
      return readUsdcCharge(challenge)
    case 'x402/exact':
    case 'x402/upto':
      return readX402(challenge)
    default:
      return { unpayable: `This wallet does not support ${challenge.kind} offers` }
  }
}

/** Chooses the way to pay. Pure: the result is the same before judging and before signing. */
export function choose(challenge: Challenge, config: Config): Choice | Unpayable {
  const offer = readOffer(challenge)
  if ('unpayable' in offer) return offer
  const refusal = chainRefusal(offer.chainId, config)
  if (refusal !== undefined) return refusal
  const way = offer.ways.find((each) => config.ways.has(each))
  if (way !== undefined) return { offer, way }
  const makes = config.signer.typedOnly
    ? 'the account of this wallet signs typed data only: an account that signs hashes can make transactions'
    : '`ways` of the wallet allows none of them'
  return unpayable(`The server takes ${offer.ways.join(' or ')}, and ${makes}`)
}

/** Completes a choice. Only known tokens are looked up on the chain. */
export async function planOf({ offer, way }: Choice, domains: Domains): Promise<Plan | Unpayable> {
  if (way !== 'authorization') return { way, offer }
  const domain = await domains(offer.chainId, offer.token)
  return contradicts(offer.claimedDomain, domain) ?? { way, offer, domain }
}

/**
 * Returns an objection if the server's description of a token differs from the known one, which indicates another token
 * or another network.
 */
function contradicts(claimed: Offer['claimedDomain'], domain: TokenDomain): Unpayable | undefined {
  const differs =
    (claimed.name !== undefined && claimed.name !== domain.name) ||
    (claimed.version !== undefined && claimed.version !== domain.version)
  return differs
    ? unpayable('The offer states another signing name or version than the token has')
    : undefined
}

/** Finds the currency of the offer. Its decimals come from the table; the server may only agree. */
export function currencyOf(
  offer: Offer,
  context: Pick<QuoteContext, 'currencies'>,
  config: Pick<Config, 'own'>,
): Currency | Unpayable {
  const currency = tokenCurrency(offer, context, config)
  const { decimals } = offer.claimedDomain
  if ('unpayable' in currency || decimals === undefined || decimals === currency.decimals) return currency
  return unpayable(`The offer says that the token has ${decimals} decimals, and it has ${currency.decimals}`)
}

/** Returns the normal form of an offer. It is judged, and compared again before signing. */
export function termsOf(offer: Offer, currency: Currency, fee?: Fee): Terms {
  const most = amount(offer.amount, currency)
  return {
    purpose: 'pay',
    kind: offer.kind,
    network: networkOf(offer),
    most,
    exact: offer.facilitator === undefined,
    payees: [{ id: offer.to, amount: most }],
    ...(fee && { fee }),
  }
}

/**
 * Tells whether the payer pays gas: only if the payer's own transaction is broadcast. Signatures are cashed at the
 * server's expense.
 */
export function paysGas(way: EvmWay): way is 'transaction' | 'hash' {
  return way === 'transaction' || way === 'hash'
}

/** The gas of a dollar transfer if both sides have held the dollar before. */
const USUAL_GAS = 50_000n
/** The data fee of rollups that charge it in addition to gas: well above the cost of a transfer of 110 bytes so far. */
const DATA_FEE = 10n ** 13n
const ROLLUPS: ReadonlySet<number> = new Set([10, 8453, 42220, 84532, 11142220, 11155420])

/** Returns the maximum gas fee of a transfer. Undefined if no node reports the gas price. */
export async function feeOf(
  { chainId }: Offer,
  context: Pick<QuoteContext, 'now' | 'currencies'>,
  { config, holdings }: EvmContext,
): Promise<Fee | undefined> {
  const price = await holdings.price.known(chainId, NO_TOKEN, context.now)
  if (price === undefined) return undefined
  const coin = counted(coinOf(chainId), context, config)
  const data = ROLLUPS.has(chainId) ? DATA_FEE : 0n
  return {
    bound: amount(config.gasLimit * price.most + data, coin),
    usual: amount((USUAL_GAS * price.most) / 2n, coin),
  }
}

export function priceIn({ bound }: Fee, chainId: number, { gasLimit }: Pick<Config, 'gasLimit'>): bigint {
  const data = ROLLUPS.has(chainId) ? DATA_FEE : 0n
  return (bound.value - data) / gasLimit
}

/** Finds the coin in the user's table: only the user can give it a rate. */
function counted(
  coin: Currency,
  { currencies }: Pick<QuoteContext, 'currencies'>,
  { own }: Pick<Config, 'own'>,
): Currency {
  const known = [currencies.get(coin.id), own.get(coin.id)]
  return known.find((each) => each?.peg !== undefined || each?.rate !== undefined) ?? coin
}
