import { type Amount, amount, type Currency } from '../../money/index.js'
import type { Fee, Terms } from '../../policy/index.js'
import type { Challenge } from '../../protocol/index.js'
import type { Hex } from '../chain/index.js'
import type { QuoteContext, Unpayable } from '../index.js'
import { unpayable } from '../shared.js'
import type { Domains } from './domains.js'
import { type Holdings, NO_TOKEN } from './holdings.js'
import type { Offer } from './offer.js'
import type { Config, EvmWay } from './options.js'
import { readOffer } from './read-offer.js'
import { coinOf, type TokenDomain } from './tokens.js'

/** The state of an EVM wallet. */
export interface EvmContext {
  readonly config: Config
  readonly domains: Domains
  readonly holdings: Holdings
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

/** Chooses the way to pay. Pure: the result is the same before judging and before signing. */
export function choose(challenge: Challenge, config: Config): Choice | Unpayable {
  const offer = readOffer(challenge)
  if ('unpayable' in offer) return offer
  const network = networkOf(offer)
  if (config.chains !== undefined && !config.chains.has(offer.chainId))
    return unpayable(
      `This wallet does not pay on ${network}: \`chains\` of the wallet names others`,
      'wrong_chain',
    )
  // Without a node, no one could find out what happened to a payment.
  if (config.nodes(offer.chainId) === undefined)
    return unpayable(
      `This wallet has no node for ${network}: name one in \`rpc\` of the wallet`,
      'wrong_chain',
    )
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
  const domain = await domains.of(offer.chainId, offer.token)
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

export function networkOf({ chainId }: Pick<Offer, 'chainId'>): string {
  return `eip155:${chainId}`
}

/** Finds the currency of the offer. Its decimals come from the table; the server may only agree. */
export function currencyOf(
  { chainId, token, claimedDomain }: Offer,
  context: Pick<QuoteContext, 'currencies'>,
  config: Pick<Config, 'own'>,
): Currency | Unpayable {
  const network = `eip155:${chainId}`
  const currency = context.currencies.token(network, token) ?? config.own.token(network, token)
  if (currency === undefined)
    return unpayable(
      `${network}/erc20:${token} is not a known currency: add it to \`currencies\` of createPurser`,
      'unknown_currency',
    )
  if (claimedDomain.decimals !== undefined && claimedDomain.decimals !== currency.decimals)
    return unpayable(
      `The offer says that the token has ${claimedDomain.decimals} decimals, and it has ${currency.decimals}`,
    )
  return currency
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

/** Returns the gas price behind a fee bound. */
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

/** Returns the contract address in a token's id. */
export function addressOf({ currency: { id } }: Pick<Amount, 'currency'>): Hex {
  return `0x${id.slice(id.lastIndexOf('0x') + 2)}`
}
