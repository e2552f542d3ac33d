import type { Evidence, LaneRequest } from '../../ledger/index.js'
import { amount, type Currency, formatAmount } from '../../money/index.js'
import type { Fee, Terms } from '../../policy/index.js'
import type { Challenge } from '../../protocol/index.js'
import { type Balances, chainRefusal, networkOf, tokenCurrency } from '../chain/index.js'
import type { Quote, QuoteContext, Unpayable } from '../index.js'
import { goodUntil, inDoubt, unpayable } from '../shared.js'
import { type Charge, type ChargeMode, type Hex, readCharge } from './charge.js'
import { FINALITY_MS, KIND, readDetail } from './evidence.js'
import { feesOf, fundedBy } from './fee-token.js'
import { feeOf, type NonceUse } from './gas.js'
import type { KeyLimits } from './key-limits.js'
import { laneNames } from './lanes.js'
import type { Config } from './options.js'

/**
 * The least life of a payment in milliseconds: a node requires more than three seconds, and sending it takes time too.
 */
export const LEAST_VALIDITY_MS = 5_000

export interface TempoContext {
  readonly config: Config
  readonly balances: Balances
  /** Set if an access key signs: the chain's limits for it. */
  readonly limits: KeyLimits | undefined
  readonly memo: (realm: string, challengeId: string) => Hex
}

/** Reads an offer. Signs nothing; it may only wait for the first read of a balance. */
export async function quoteCharge(
  challenge: Challenge,
  context: QuoteContext,
  { config, balances, limits }: Pick<TempoContext, 'config' | 'balances' | 'limits'>,
): Promise<Quote | Unpayable> {
  const charge = readCharge(challenge.request)
  if ('unpayable' in charge) return charge
  const until = goodUntil(challenge, context, config.validityMs, LEAST_VALIDITY_MS)
  if (typeof until !== 'number') return until
  const mode = chooseMode(charge, config)
  if (typeof mode !== 'string') return mode
  const currency = chargeable(charge, context, config)
  if ('unpayable' in currency) return currency
  const quote = { wallet: config.id, challenge, resource: context.resource, goodUntil: until }
  if (charge.amount === 0n)
    return foreignRealm(challenge, context) ?? { terms: termsOf(charge, currency), ...quote }

  const run = laneFor(charge, context, config)
  if ('unpayable' in run) return run
  const feeIn = (token: Currency) => feeFor(charge, run.lane, token, config)
  const fees = charge.sponsored ? [] : feesOf(charge, currency, context, config, feeIn)
  if ('unpayable' in fees) return fees
  const takes = amount(charge.amount, currency)
  const { chainId } = charge
  const message = `this payment needs ${formatAmount(takes)}`
  const funded = await fundedBy(
    {
      chainId,
      takes,
      fees,
      message,
      objection: async (needs) => limits?.objection(charge, needs, context.now),
    },
    context,
    { balances },
  )
  if ('unpayable' in funded) return funded
  return { terms: termsOf(charge, currency, funded.fee), ...quote, ...run }
}

/**
 * Refuses a proof for another site. A proof identifies the payer to the site that the realm names. A vendor could
 * otherwise pass on the challenge of another site and log in there as the payer. So a realm that names a host must name
 * the host of the request.
 */
function foreignRealm({ realm }: Challenge, { resource }: QuoteContext): Unpayable | undefined {
  if (resource.transport !== 'http' || !/[.:]|^localhost$/i.test(realm)) return undefined
  const named = URL.canParse(realm) && realm.includes('//') ? realm : `https://${realm}`
  const hostname = URL.canParse(named) ? new URL(named).hostname : undefined
  if (hostname === new URL(resource.vendor).hostname) return undefined
  return unpayable('The offer asks for a proof of identity for another site than the requested one')
}

/** Returns the normal form of a charge. It is judged, and compared again before signing. */
export function termsOf(charge: Charge, currency: Currency, fee?: Fee): Terms {
  return {
    purpose: charge.amount === 0n ? 'prove' : 'pay',
    kind: KIND,
    network: networkOf(charge),
    most: amount(charge.amount, currency),
    exact: true,
    payees: charge.transfers.map(({ to, amount: value }) => ({ id: to, amount: amount(value, currency) })),
    ...(fee && { fee }),
  }
}

export function chooseMode(charge: Charge, config: Pick<Config, 'mode'>): ChargeMode | Unpayable {
  if (charge.amount === 0n) return 'pull'
  const mode = config.mode ?? (charge.modes.includes('pull') ? 'pull' : 'push')
  if (!charge.modes.includes(mode))
    return unpayable(`The server does not take ${mode} payments, and \`mode\` of the wallet allows no others`)
  // draft-tempo-charge-00: clients MUST NOT use type="hash" where the server pays the fee.
  if (mode === 'push' && charge.sponsored)
    return unpayable(
      'The server offers to pay the fee, but accepts only payments that the client broadcasts: the two exclude each other',
    )
  return mode
}

function chargeable(charge: Charge, context: QuoteContext, config: Config): Currency | Unpayable {
  // A proof moves no money, so it needs no node.
  const needs = charge.amount > 0n ? config : { chains: config.chains, nodes: () => [] }
  return chainRefusal(charge.chainId, needs) ?? tokenCurrency(charge, context, config)
}

function feeFor(charge: Charge, lane: LaneRequest | undefined, token: Currency, config: Config): Fee {
  const uses: NonceUse[] = lane === undefined ? ['expiring'] : ['expiring', 'fresh', 'reused']
  return feeOf(config.gas, uses, charge.transfers.length - 1, config.maxFeePerGas, token)
}

/**
 * Chooses the lane. After an earlier credential it is the same lane value, so that only one of the two can ever be
 * included.
 */
function laneFor(
  charge: Charge,
  context: QuoteContext,
  config: Config,
): Pick<Quote, 'lane' | 'replaces'> | Unpayable {
  const earlier = context.earlierEvidence && excludable(context.earlierEvidence, charge, config)
  if (earlier !== undefined) return earlier
  // Sponsors require an expiring nonce.
  if (charge.sponsored || config.lanes === 0) return {}
  return {
    lane: { names: laneNames(context.ledger, charge.chainId, config.sender, config.lanes), otherwise: 'go' },
  }
}

function excludable(
  after: Evidence,
  charge: Charge,
  config: Config,
): Pick<Quote, 'lane' | 'replaces'> | Unpayable | undefined {
  const detail = readDetail(after.detail)
  // A proof moves no money, so there is nothing to exclude.
  if (detail?.form === 'proof') return undefined
  const fits = detail?.chainId === charge.chainId && detail.sender === config.sender && !charge.sponsored
  if (fits && detail.mode === 'pull' && detail.lane !== undefined)
    return {
      lane: { names: [detail.lane], otherwise: 'wait' },
      replaces: { name: detail.lane, value: BigInt(detail.nonce) },
    }
  return inDoubt(detail && detail.validBefore * 1000 + FINALITY_MS)
}
