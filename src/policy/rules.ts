import type { Reason } from '../errors/index.js'
import { type Amount, count, formatUnits, isProductionNetwork, type Units } from '../money/index.js'
import { defined } from '../util/objects.js'
import { namesCurrency } from './bounds.js'
import { categoriesOf, type Evaluation, type Findings } from './evaluation.js'
import type { Layer } from './layers.js'
import { isPlainHttps } from './origins.js'
import { isDisguised } from './paths.js'
import type { Terms } from './types.js'

/** Checks whether this vendor may be paid for this call at all. */
export function judgeVendor(layer: Layer, judged: Evaluation, found: Findings): void {
  const { resource } = judged
  const { vendor } = resource
  const rule = (name: string) => `${layer.prefix}${name}`
  const listing = judged.listings.get(layer)
  if (listing !== undefined) {
    if (listing.outside.length === 0) return
    const disguised = resource.transport === 'http' && isDisguised(resource.path)
    const why = disguised
      ? 'its path has encoded slashes, backslashes or dots, which a server may read as another path'
      : `the entry of the vendor does not include it`
    found.deny.push({
      rule: rule('vendors.scope'),
      asked: resource.operation,
      message: `${resource.operation} cannot be paid at ${vendor}: ${why}.`,
    })
  } else if (layer.unlisted === 'deny') {
    found.deny.push({
      rule: rule('vendors'),
      asked: vendor,
      message: `${vendor} is not a vendor that may be paid.`,
    })
  } else if (layer.unlisted === 'ask') {
    found.ask.push({
      rule: rule('unlisted'),
      asked: vendor,
      message: `${vendor} is not on the list of vendors, so a person must approve it.`,
    })
  }
}

/** Checks whether a credential is safe on its way. Plain http is allowed only if the document lists it. */
export function judgeTransport(base: Layer, { resource, listings }: Evaluation, found: Findings): void {
  if (resource.transport !== 'http' || listings.get(base) !== undefined || isPlainHttps(resource.vendor))
    return
  found.deny.push({
    rule: 'vendors.https',
    asked: resource.vendor,
    message: `${resource.vendor} cannot be paid: a credential would travel there unprotected.`,
  })
}

/** Checks whether the currency and the network are allowed. */
export function judgeRail(layer: Layer, judged: Evaluation, found: Findings): void {
  const { terms } = judged
  const { currencies, networks } = layer.rules
  const barred = currencies && outside(currencies, judged)
  if (barred !== undefined)
    found.deny.push(
      defined({
        rule: `${layer.prefix}currencies`,
        limit: currencies?.join(', '),
        asked: barred.currency.id,
        message: `${barred.currency.symbol} (${barred.currency.id}) is a currency that the policy does not allow.`,
      }),
    )
  const method = terms.kind.split('/')[0] ?? ''
  const named = networks?.includes(terms.network) ?? false
  if (!named && networks !== undefined && !networks.includes(method))
    found.deny.push({
      rule: `${layer.prefix}networks`,
      limit: networks.join(', '),
      asked: `${method} on ${terms.network}`,
      message: `Payments by ${method} on the network ${terms.network} are not allowed by the policy.`,
    })
  else if (!named && (networks !== undefined || !layer.ofAgent) && !isProductionNetwork(terms.network))
    found.deny.push({
      rule: `${layer.prefix}networks.test`,
      asked: terms.network,
      message: `${terms.network} is not known as a network with real money, and may be used only if \`networks\` of the policy names it.`,
    })
}

/**
 * Returns the first amount in a currency that the list does not name, by its id or by the unit to which it is pegged.
 */
function outside(currencies: readonly string[], { terms, policyScope }: Evaluation): Amount | undefined {
  return [terms.most, ...partsOf(terms)].find(
    ({ currency }) => !namesCurrency(currencies, currency, policyScope.unit),
  )
}

function partsOf({ payees, locks }: Terms): readonly Amount[] {
  return [...payees.map(({ amount }) => amount), ...(locks ? [locks] : [])]
}

/** Checks whether every amount has a value in the unit. An amount that cannot be counted cannot be paid. */
export function judgeCurrency({ units, terms, policyScope }: Evaluation, found: Findings): void {
  if (units !== undefined) return
  const all = [terms.most, ...partsOf(terms), ...(terms.fee ? [terms.fee.bound] : [])]
  const { id, symbol } = (all.find((one) => count(one, policyScope.unit) === undefined) ?? terms.most)
    .currency
  found.deny.push({
    rule: 'currency',
    asked: id,
    message: `An amount in ${id} has no known value in ${policyScope.symbol}, so it cannot be counted: set the highest value of one ${symbol} in \`rates\`.`,
  })
}

/** Checks the price, the fee and the deposit against the limits. */
export function judgePrice(layer: Layer, judged: Evaluation, found: Findings): void {
  const { units, context, policyScope } = judged
  if (units === undefined) return
  const { perPayment, maxFee } = layer.rules
  const most = (rule: string, what: string, asked: Units, limit: Units | undefined) => {
    if (limit === undefined || asked <= limit) return
    found.deny.push(tooDear(`${layer.prefix}${rule}`, what, asked, limit, policyScope.symbol))
  }
  most('perPayment', 'One payment', units.price, perPayment)
  most('maxFee', 'The fee of one payment', units.fee, maxFee)
  for (const entry of judged.listings.get(layer)?.entries ?? [])
    most('vendor.perPayment', `One payment to ${entry.origin}`, units.price, entry.perPayment)
  if (!layer.ofAgent) most('maxAmount', 'This call', units.price, context.maxAmount)
}

function tooDear(rule: string, what: string, asked: Units, limit: Units, symbol: string): Reason {
  const [most, cost] = [formatUnits(limit, symbol), formatUnits(asked, symbol)]
  return {
    rule,
    limit: most,
    asked: cost,
    message: `${what} may cost at most ${most}; this one would cost ${cost}.`,
  }
}

/** Checks whether a layer wants a person to be asked. */
export function judgeAsks(layer: Layer, judged: Evaluation, found: Findings): void {
  const { ask: rules = [] } = layer.rules
  if (rules.length === 0) return
  const { units, facts, resource, policyScope, rail } = judged
  const text = (value: Units) => formatUnits(value, policyScope.symbol)
  const ask = (rule: string, message: string, limit?: Units, asked?: Units) =>
    found.ask.push(
      defined({
        rule: `${layer.prefix}ask.${rule}`,
        limit: limit === undefined ? undefined : text(limit),
        asked: asked === undefined ? undefined : text(asked),
        message,
      }),
    )
  const price = units?.price ?? 0n
  const usual = facts.usual[rail]
  const categories = [...judged.categories, ...categoriesOf(judged.listings.get(layer))]
  for (const rule of rules) {
    if (rule.above !== undefined && price > rule.above)
      ask(
        'above',
        `${text(price)} is above ${text(rule.above)}, so a person must approve it.`,
        rule.above,
        price,
      )
    if (rule.newVendor && !facts.knownVendor)
      ask('newVendor', `Nothing was bought from ${resource.vendor} before, so a person must approve it.`)
    if (rule.category !== undefined && categories.includes(rule.category))
      ask('category', `Purchases of the category ${rule.category} must be approved.`)
    if (rule.priceJump !== undefined && usual !== undefined && price * RATIO > usual * rule.priceJump)
      ask('priceJump', `${text(price)} is far above the usual price of ${text(usual)}.`, usual, price)
    const { advertised } = facts
    if (rule.aboveAdvertised && advertised !== undefined && price > advertised)
      ask('aboveAdvertised', `${text(price)} is above the advertised ${text(advertised)}.`, advertised, price)
  }
}

/** Price jumps are factors with nine decimals. */
const RATIO = 10n ** 9n
