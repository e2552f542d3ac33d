import type { Evidence, LaneRequest } from '../../ledger/index.js'
import { type Amount, amount, type Currency, formatAmount, type Instant } from '../../money/index.js'
import type { Fee, Terms } from '../../policy/index.js'
import type { Challenge } from '../../protocol/index.js'
import { type Balances, overFee } from '../chain/index.js'
import type { Quote, QuoteContext, Unpayable } from '../index.js'
import { type Charge, type ChargeMode, readCharge } from './charge.js'
import { FINALITY_MS, KIND, readDetail } from './evidence.js'
import { feeOf, type NonceUse } from './gas.js'
import type { Need } from './key-limits.js'
import { laneNames } from './lanes.js'
import type { Config } from './options.js'
import type { Parts } from './parts.js'

/** Blocks must still have time to include it: a node wants more than three seconds, the way there takes some too. */
export const LEAST_VALIDITY_MS = 5_000

const unpayable = (text: string, code: Unpayable['code'] = 'wallet_failed'): Unpayable => ({
  unpayable: text,
  code,
})

/** Reads an offer. Signs nothing; the only thing it may wait for is the first reading of a balance. */
export async function quoteCharge(
  challenge: Challenge,
  context: QuoteContext,
  { config, balances, limits }: Pick<Parts, 'config' | 'balances' | 'limits'>,
): Promise<Quote | Unpayable> {
  const charge = readCharge(challenge.request)
  if ('unpayable' in charge) return charge
  const until = goodUntil(challenge, context, config)
  if (typeof until !== 'number') return until
  const mode = chooseMode(charge, config)
  if (typeof mode !== 'string') return mode
  const currency = chargeable(charge, context, config)
  if ('unpayable' in currency) return currency
  const quote = { wallet: config.id, challenge, resource: context.resource, goodUntil: until }
  if (charge.amount === 0n)
    return foreignRealm(challenge, context) ?? { terms: termsOf(charge, currency), ...quote }

  const feeToken = charge.sponsored ? undefined : feeCurrency(charge, currency, context, config)
  if (feeToken !== undefined && 'unpayable' in feeToken) return feeToken
  const run = laneFor(charge, context, config)
  if ('unpayable' in run) return run
  const terms = termsOf(charge, currency, feeToken && feeFor(charge, run.lane, feeToken, config))
  const refusal = overFee(terms, context)
  if (refusal !== undefined) return refusal
  const [objection, short] = await Promise.all([
    limits?.objection(charge, needs(terms), context.now),
    shortOf(terms, charge, context.now, balances),
  ])
  return objection ?? short ?? { terms, ...quote, ...run }
}

/**
 * A proof says who we are to whoever the realm names. A vendor that passes on the challenge of another site would
 * log in there as us, so a realm that names a host must name the one that was dialled.
 */
function foreignRealm({ realm }: Challenge, { resource }: QuoteContext): Unpayable | undefined {
  if (resource.transport !== 'http' || !/[.:]|^localhost$/i.test(realm)) return undefined
  const named = URL.canParse(realm) && realm.includes('//') ? realm : `https://${realm}`
  const hostname = URL.canParse(named) ? new URL(named).hostname : undefined
  if (hostname === new URL(resource.vendor).hostname) return undefined
  return unpayable('The offer asks for a proof of who we are to another site than the one that was called')
}

/** The normal form of a charge: what is judged, and what is compared with what is about to be signed. */
export function termsOf(charge: Charge, currency: Currency, fee?: Fee): Terms {
  return {
    purpose: charge.amount === 0n ? 'prove' : 'pay',
    kind: KIND,
    network: networkOf(charge),
    most: amount(charge.amount, currency),
    exact: true,
    payees: charge.transfers.map(({ to, amount: value }) => ({ id: to, amount: amount(value, currency) })),
    ...(fee ? { fee } : {}),
  }
}

export function networkOf({ chainId }: { readonly chainId: number }): string {
  return `eip155:${chainId}`
}

/** How the charge would be submitted. */
export function chooseMode(charge: Charge, config: Pick<Config, 'mode'>): ChargeMode | Unpayable {
  if (charge.amount === 0n) return 'pull'
  const mode = config.mode ?? (charge.modes.includes('pull') ? 'pull' : 'push')
  if (!charge.modes.includes(mode))
    return unpayable(`The server does not take ${mode} payments, and this wallet makes no others`)
  // draft-tempo-charge-00: clients MUST NOT use type="hash" where the server pays the fee.
  if (mode === 'push' && charge.sponsored)
    return unpayable(
      'The server offers to pay the fee, and takes only payments that we broadcast: it cannot have both',
    )
  return mode
}

function goodUntil(challenge: Challenge, context: QuoteContext, config: Config): Instant | Unpayable {
  const { expires = Number.POSITIVE_INFINITY } = challenge
  if (Number.isNaN(expires)) return unpayable('The offer expires at no time that can be read')
  const until = Math.min(expires, context.now + Math.min(config.validityMs, context.bounds.maxValidityMs))
  // Said this way round, so that a clock or a bound that is no number is too little time as well.
  if (!(until >= context.now + LEAST_VALIDITY_MS))
    return unpayable(
      expires <= context.now ? 'The offer has expired' : 'The offer leaves too little time to pay',
    )
  return until
}

function chargeable(charge: Charge, context: QuoteContext, config: Config): Currency | Unpayable {
  const network = networkOf(charge)
  if (config.chains !== undefined && !config.chains.has(charge.chainId))
    return unpayable(
      `This wallet does not pay on ${network}: \`chains\` of the wallet names others`,
      'wrong_chain',
    )
  // Without a node nobody could ever tell what became of a payment. A proof moves nothing, and needs none.
  if (charge.amount > 0n && config.nodes(charge.chainId) === undefined)
    return unpayable(
      `This wallet has no node for ${network}: name one in \`rpc\` of the wallet`,
      'wrong_chain',
    )
  return currencyOf(charge.token, network, context, config)
}

export function currencyOf(
  token: string,
  network: string,
  context: QuoteContext,
  config: Config,
): Currency | Unpayable {
  const currency = context.currencies.token(network, token) ?? config.own.token(network, token)
  return (
    currency ??
    unpayable(
      `${network}/erc20:${token} is no currency that is known here: name it in \`currencies\` of createPurser`,
      'unknown_currency',
    )
  )
}

/** The token fees are paid in. It is always set: left open, the chain would pick one. */
function feeTokenOf(
  charge: Pick<Charge, 'chainId' | 'token'>,
  currency: Currency,
  config: Config,
): Charge['token'] {
  const set = config.feeTokens.get(charge.chainId)
  if (set !== undefined) return set
  // Fees are counted in dollars, so only a dollar token can pay them.
  return currency.peg === 'iso4217:USD' ? charge.token : PATH_USD
}

const PATH_USD = '0x20c0000000000000000000000000000000000000'

export function feeCurrency(
  charge: Pick<Charge, 'chainId' | 'token'>,
  currency: Currency,
  context: QuoteContext,
  config: Config,
): Currency | Unpayable {
  return currencyOf(feeTokenOf(charge, currency, config), networkOf(charge), context, config)
}

function feeFor(charge: Charge, lane: LaneRequest | undefined, token: Currency, config: Config): Fee {
  const uses: NonceUse[] = lane === undefined ? ['expiring'] : ['expiring', 'fresh', 'reused']
  return feeOf(config.gas, uses, charge.transfers.length - 1, config.maxFeePerGas, token)
}

/** The nonce to run on. After an earlier credential: the same one, so that only one of the two can ever be included. */
function laneFor(
  charge: Charge,
  context: QuoteContext,
  config: Config,
): Pick<Quote, 'lane' | 'excludes'> | Unpayable {
  const earlier = context.after && excludable(context.after, charge, config)
  if (earlier !== undefined) return earlier
  // Sponsors demand an expiring nonce.
  if (charge.sponsored || config.lanes === 0) return {}
  return {
    lane: { names: laneNames(context.ledger, charge.chainId, config.sender, config.lanes), otherwise: 'go' },
  }
}

function excludable(
  after: Evidence,
  charge: Charge,
  config: Config,
): Pick<Quote, 'lane' | 'excludes'> | Unpayable | undefined {
  const detail = readDetail(after.detail)
  // A proof moves nothing, so there is nothing to exclude.
  if (detail?.form === 'proof') return undefined
  const fits = detail?.chainId === charge.chainId && detail.sender === config.sender && !charge.sponsored
  if (fits && detail.mode === 'pull' && detail.lane !== undefined)
    return {
      lane: { names: [detail.lane], otherwise: 'wait' },
      excludes: { name: detail.lane, value: BigInt(detail.nonce) },
    }
  return {
    ...unpayable('An earlier payment for this may still go through', 'payment_in_doubt'),
    ...(detail === undefined ? {} : { freeAt: detail.validBefore * 1000 + FINALITY_MS }),
  }
}

/** Says what is missing, by the cached balance; before it says so, it looks again. */
async function shortOf(
  terms: Terms,
  charge: Charge,
  now: Instant,
  balances: Balances,
): Promise<Unpayable | undefined> {
  for (const need of needs(terms)) {
    const token = need.token
    const enough = (held: bigint | undefined) => held === undefined || held >= need.value
    if (enough(await balances.known(charge.chainId, token, now))) continue
    const held = await balances.read(charge.chainId, token, now)
    if (enough(held)) continue
    return unpayable(shortfall(terms, amount(held ?? 0n, need.currency)), 'insufficient_funds')
  }
  return undefined
}

function needs(terms: Terms): readonly Need[] {
  const { most, fee } = terms
  const need = (sum: Amount, more = 0n) => ({
    token: addressOf(sum.currency),
    currency: sum.currency,
    value: sum.value + more,
  })
  if (fee === undefined) return [need(most)]
  // The chain sets the whole bound aside before it runs anything.
  if (fee.bound.currency.id === most.currency.id) return [need(most, fee.bound.value)]
  return [need(most), need(fee.bound)]
}

function shortfall({ most, fee }: Terms, held: Amount): string {
  const price = `this payment needs ${formatAmount(most)}`
  const extra = fee === undefined ? '' : ` and up to ${formatAmount(fee.bound)} for its fee`
  const other = fee !== undefined && fee.bound.currency.id !== most.currency.id
  const mend =
    other && held.currency.id === fee.bound.currency.id
      ? '. `feeToken` of the wallet can name another token for fees'
      : ''
  return `The account holds ${formatAmount(held)}, and ${price}${extra}${mend}`
}

/** The contract address in a token's id. */
export function addressOf({ id }: Currency): `0x${string}` {
  return `0x${id.slice(id.lastIndexOf('0x') + 2)}`
}
