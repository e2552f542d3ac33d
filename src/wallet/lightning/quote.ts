import { amount, type Currency, type CurrencyTable, type Instant } from '../../money/index.js'
import type { Terms } from '../../policy/index.js'
import type { Challenge } from '../../protocol/index.js'
import type { Quote, QuoteContext, Unpayable } from '../index.js'
import { type Charge, readCharge } from './charge.js'
import { KIND } from './evidence.js'
import { bitcoin, chainOf, DECIMALS, type LightningNetwork } from './networks.js'
import type { Config } from './options.js'

/** Finding a route and paying takes seconds, and the preimage must still reach the server in time. */
const LEAST_LIFE_MS = 10_000
/** What routing tends to cost, for ranking: a satoshi, and a thousandth. */
const USUAL_MSAT = 1_000n
const USUAL_PART = 1_000n

const unpayable = (text: string, code: Unpayable['code'] = 'wallet_failed'): Unpayable => ({
  unpayable: text,
  code,
})

/** Reads an offer. Asks nobody. */
export function quoteCharge(
  challenge: Challenge,
  { resource, now, earlierEvidence, currencies }: QuoteContext,
  config: Config,
): Quote | Unpayable {
  // Two invoices can both be paid, and one that is under way can be neither called back nor timed.
  if (earlierEvidence !== undefined)
    return unpayable('An earlier payment for this may still go through', 'payment_in_doubt')
  const charge = readCharge(challenge.request)
  if ('unpayable' in charge) return charge
  const { network } = charge.invoice
  if (network !== config.network)
    return unpayable(
      `The invoice is for ${network}, and \`network\` of the wallet says that its node pays on ${config.network}`,
      'wrong_chain',
    )
  const until = goodUntil(challenge, charge)
  // Said this way round, so that a moment that is no number is too little time as well.
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

/** As the user knows it, with the rate that makes it countable. */
function currencyOf(network: LightningNetwork, known: CurrencyTable): Currency | Unpayable {
  const own = bitcoin(network)
  const currency = known.get(own.id) ?? own
  if (currency.decimals === DECIMALS) return currency
  return unpayable(`${own.id} must be known with ${DECIMALS} decimals: use bitcoin()`, 'unknown_currency')
}

/** The earlier of the two ends that an offer has (draft-lightning-charge-00, Challenge Expiry and Invoice Expiry). */
export function goodUntil({ expires = Number.POSITIVE_INFINITY }: Challenge, { invoice }: Charge): Instant {
  return Math.min(expires, invoice.expires)
}

/** The normal form of a charge: what is judged, and what is compared with what is about to be paid. */
export function termsOf({ invoice }: Charge, currency: Currency, config: Config): Terms {
  const { msat } = invoice
  const price = amount(msat, currency)
  const bound = config.feeMsat + upwards(msat * config.feePartsPerMillion, 1_000_000n)
  const usual = USUAL_MSAT + upwards(msat, USUAL_PART)
  return {
    purpose: 'pay',
    kind: KIND,
    network: chainOf(invoice.network),
    most: price,
    exact: true,
    payees: [{ id: invoice.payee, amount: price }],
    fee: { bound: amount(bound, currency), usual: amount(usual < bound ? usual : bound, currency) },
  }
}

/** Divided, and rounded up. */
function upwards(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by
}
