import {
  type Amount,
  amount,
  CURRENCIES,
  type Currency,
  fiat,
  parseAmount,
  parseUnits,
  token,
  type Units,
} from '../money/index.js'
import type { JsonObject } from '../protocol/index.js'

/** A way to pay that the test server offers and the test wallet pays. */
export type PaidKind = 'tempo/charge' | 'tempo/session' | 'stripe/charge' | 'x402/exact'

/** One offer of a route: a way to pay for it. */
export interface PaidOffer {
  readonly kind: PaidKind
  /** The price of this offer, for example `0.01 USD`. Default: the price of the route. */
  readonly price?: string
  /** The recipient of the money: an address, or a Stripe profile. Default: a fixed one. */
  readonly payee?: string
  /**
   * The currency to pay in. It decides the network too. Default: pathUSD on Tempo for `tempo/charge` and `tempo/session`, USDC on Base for
   * `x402/exact`, and the currency of the price for `stripe/charge`.
   */
  readonly currency?: Currency
  /** The version of x402. @default 2 */
  readonly version?: 1 | 2
}

/** An offer with everything decided. */
export interface Offer {
  readonly kind: PaidKind
  readonly version: 1 | 2
  readonly price: Amount
  readonly payee: string
  /** As policies name it: `eip155:4217`, `stripe:live`. */
  readonly network: string
  /** The price in the unit that a person counts in. */
  readonly units: Units
  /** The symbol of that unit: `USD`. */
  readonly symbol: string
}

/** The currency of x402 offers: Circle's dollar on Base. */
export const USDC: Currency = token('eip155:8453', '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913', {
  symbol: 'USDC',
  decimals: 6,
  peg: 'iso4217:USD',
})

export const STRIPE_NETWORK = 'stripe:live'
/** The first account of every local test chain that is not the payer: no one is paid by accident. */
const ADDRESS = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const PROFILE = 'profile_test'
/** All ways to pay. */
export const KINDS: readonly PaidKind[] = ['tempo/charge', 'tempo/session', 'stripe/charge', 'x402/exact']
const PRICE = /^(?<number>[0-9]+(?:\.[0-9]+)?) (?<symbol>[A-Z]{3})$/
/** How long an x402 server may take to settle, in seconds. */
const SETTLES_IN = 60

/**
 * Completes an offer.
 *
 * @throws TypeError for an unknown kind, or for a price that cannot be paid in the currency.
 */
export function offerOf(given: PaidOffer | PaidKind, price: string): Offer {
  const offer: PaidOffer = typeof given === 'string' ? { kind: given } : given
  const { kind, version = 2 } = offer
  if (!KINDS.includes(kind)) throw new TypeError(`An offer has one of the kinds ${KINDS.join(', ')}`)
  const text = offer.price ?? price
  const { number = '', symbol = '' } = PRICE.exec(text)?.groups ?? {}
  const units = parseUnits(number)
  if (units === undefined || units === 0n)
    throw new TypeError(
      `A price is a number above zero and a currency, for example '0.01 USD', not '${text}'`,
    )
  const currency = offer.currency ?? currencyOf(kind, symbol)
  if ((currency.peg ?? currency.id) !== `iso4217:${symbol}`)
    throw new TypeError(
      `A price in ${symbol} cannot be paid in ${currency.symbol}: give the offer another price or currency`,
    )
  const network = kind === 'stripe/charge' ? STRIPE_NETWORK : (currency.id.split('/')[0] ?? '')
  const payee = offer.payee ?? (kind === 'stripe/charge' ? PROFILE : ADDRESS)
  return { kind, version, price: parseAmount(number, currency), payee, network, units, symbol }
}

/** The same offer at another price. */
export function atTimes(offer: Offer, factor: bigint): Offer {
  const { price, units } = offer
  return { ...offer, price: amount(price.value * factor, price.currency), units: units * factor }
}

function currencyOf(kind: PaidKind, symbol: string): Currency {
  if (kind === 'stripe/charge') return fiat(symbol, 2)
  return kind === 'x402/exact' ? USDC : CURRENCIES.pathUSD
}

/** The parameters of an offer, as a server of its method writes them. */
export function requestOf(offer: Offer, url: string): JsonObject {
  const value = offer.price.value.toString()
  if (offer.kind === 'stripe/charge')
    return {
      amount: value,
      currency: offer.symbol.toLowerCase(),
      methodDetails: { networkId: offer.payee, paymentMethodTypes: ['card'] },
    }
  const asset = offer.price.currency.id.split('/erc20:')[1] ?? ''
  if (offer.kind !== 'x402/exact') {
    const protocol = offer.kind === 'tempo/session' ? { sessionProtocol: 'v2' } : {}
    return {
      amount: value,
      currency: asset,
      recipient: offer.payee,
      methodDetails: { chainId: Number(offer.network.split(':')[1]), ...protocol },
    }
  }
  const entry = {
    scheme: 'exact',
    network: offer.network,
    asset,
    payTo: offer.payee,
    maxTimeoutSeconds: SETTLES_IN,
    extra: { name: 'USD Coin', version: '2' },
  }
  if (offer.version === 2) return { ...entry, amount: value }
  const network = offer.network === 'eip155:8453' ? 'base' : offer.network
  return { ...entry, network, maxAmountRequired: value, resource: url, description: '', mimeType: '' }
}
