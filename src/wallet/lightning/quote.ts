import { amount, type Currency, type CurrencyTable, type Instant } from '../../money/index.js'
import type { Terms } from '../../policy/index.js'
import type { Challenge } from '../../protocol/index.js'
import type { Quote, QuoteContext, Unpayable } from '../index.js'
import { inDoubt, unpayable } from '../shared.js'
import { type Charge, readCharge } from './charge.js'
import { KIND } from './evidence.js'
import { bitcoin, DECIMALS, type LightningNetwork, NETWORKS } from './networks.js'
import type { Config } from './options.js'

/** The time in milliseconds that routing, paying and presenting the preimage need at least. */
const LEAST_LIFE_MS = 10_000
/** The typical routing fee, for ranking: one satoshi plus a thousandth. */
const USUAL_MSAT = 1_000n
const USUAL_PART = 1_000n

/** Reads an offer. Makes no network call. */
export function quoteCharge(
  challenge: Challenge,
  { resource, now, earlierEvidence, currencies }: QuoteContext,
  config: Config,
): Quote | Unpayable {
  // Two invoices can both be paid, and a pending payment cannot be cancelled or given a deadline.
  if (earlierEvidence !== undefined) return inDoubt()
  const charge = readCharge(challenge.request)
  if ('unpayable' in charge) return charge
  const { network } = charge.invoice
  if (network !== config.network)
    return unpayable(
      `The invoice is for ${network}, and \`network\` of the wallet says that its node pays on ${config.network}`,
      'wrong_chain',
    )
  const until = goodUntil(challenge, charge)
  // Written this way, so that NaN counts as too little time as well.
  if (!(until >= now + LEAST_LIFE_MS))
    return unpayable(until <= now ? 'The offer has expired' : 'The offer leaves too little time to pay')
  const currency = currencyOf(network, currencies)
  if ('unpayable' in currency) return currency
  return {
    wallet: config.id,
    challenge,
    resource,
    terms: termsOf(charge, currency, config),
    goodUntil: until,
  }
}

/** Finds the currency in the user's table, with its rate. */
function currencyOf(network: LightningNetwork, known: CurrencyTable): Currency | Unpayable {
  const own = bitcoin(network)
  const currency = known.get(own.id) ?? own
  if (currency.decimals === DECIMALS) return currency
  return unpayable(`${own.id} must be known with ${DECIMALS} decimals: use bitcoin()`, 'unknown_currency')
}

/**
 * Returns the earlier expiry of the offer: of the challenge or of the invoice (draft-lightning-charge-00, Challenge
 * Expiry and Invoice Expiry).
 */
export function goodUntil({ expires = Number.POSITIVE_INFINITY }: Challenge, { invoice }: Charge): Instant {
  return Math.min(expires, invoice.expires)
}

/** Returns the normal form of a charge. It is judged, and compared again before the payment. */
export function termsOf({ invoice }: Charge, currency: Currency, config: Config): Terms {
  const { msat } = invoice
  const price = amount(msat, currency)
  const bound = config.feeMsat + upwards(msat * config.feePartsPerMillion, 1_000_000n)
  const usual = USUAL_MSAT + upwards(msat, USUAL_PART)
  return {
    purpose: 'pay',
    kind: KIND,
    network: NETWORKS[invoice.network].chain,
    most: price,
    exact: true,
    payees: [{ id: invoice.payee, amount: price }],
    fee: { bound: amount(bound, currency), usual: amount(usual < bound ? usual : bound, currency) },
  }
}

function upwards(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by
}
