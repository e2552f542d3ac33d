import { type Amount, amount, type Currency, count, formatAmount } from '../../money/index.js'
import { type Fee, mayUse } from '../../policy/index.js'
import { addressOf, type Balances, networkOf, tokenCurrency } from '../chain/index.js'
import type { QuoteContext, Unpayable } from '../index.js'
import { overFee } from '../shared.js'
import type { Charge } from './charge.js'
import type { Need } from './key-limits.js'
import type { Config } from './options.js'

const PATH_USD = '0x20c0000000000000000000000000000000000000'
const DOLLAR = 'iso4217:USD'

/** The amounts that a transaction takes from the account, and the tokens that may pay its fee. */
export interface Spending {
  readonly chainId: number
  /** The amount without the fee: a price or a deposit. */
  readonly takes: Amount
  /** The fee in each token that may pay it, the preferred token first. Empty if the server pays the fee. */
  readonly fees: readonly Fee[]
  /** The description in a refusal, for example `this payment needs 0.01 pathUSD`. */
  readonly message: string
  /** Returns why an access key may not spend this. */
  objection?(needs: readonly Need[]): Promise<Unpayable | undefined>
}

/** The fee that the account can pay. Undefined if the server pays it. */
export interface Funded {
  readonly fee: Fee | undefined
}

/**
 * Returns the fee of a transaction in each token that may pay it. A transaction always names the token; otherwise the
 * chain would pick one. The wallet option `feeToken` names the only one. Without it, the payment's own token comes
 * first if it is a dollar, else pathUSD. Other known dollars follow, if the policy can count and use them and if the
 * fee is within the policy's limit.
 */
export function feesOf(
  paid: Pick<Charge, 'chainId' | 'token'>,
  currency: Currency,
  context: Pick<QuoteContext, 'bounds' | 'currencies'>,
  config: Config,
  feeIn: (token: Currency) => Fee,
): readonly Fee[] | Unpayable {
  const { chainId } = paid
  const set = config.feeTokens.get(chainId)
  // Fees are counted in dollars, so only a dollar token can pay them.
  const token = set ?? (currency.peg === DOLLAR ? paid.token : PATH_USD)
  const preferred = tokenCurrency({ chainId, token }, context, config)
  const others = set === undefined ? dollarsOn(networkOf(paid), context, config) : []
  const rest = others
    .filter(({ id }) => 'unpayable' in preferred || id !== preferred.id)
    .map(feeIn)
    .filter((fee) => overFee({ fee }, context) === undefined)
  if ('unpayable' in preferred) return rest.length === 0 ? preferred : rest
  const first = feeIn(preferred)
  return overFee({ fee: first }, context) ?? [first, ...rest]
}

/** Lists the dollars of a network that the policy can count and that a payment may use. */
function dollarsOn(
  network: string,
  { bounds, currencies }: Pick<QuoteContext, 'bounds' | 'currencies'>,
  { own }: Pick<Config, 'own'>,
): readonly Currency[] {
  const known = new Map([...own.on(network), ...currencies.on(network)].map((each) => [each.id, each]))
  return [...known.values()].filter(
    (each) =>
      each.peg === DOLLAR && count(amount(1n, each), bounds.unit) !== undefined && mayUse(each, bounds),
  )
}

/**
 * Finds the token that pays the fee: the first that the account holds enough of. It uses cached balances, and reads
 * them again before it reports that none is enough. An unknown balance counts as enough for the preferred token only.
 */
export async function fundedBy(
  spending: Spending,
  { now }: Pick<QuoteContext, 'now'>,
  { balances }: { readonly balances: Balances },
): Promise<Funded | Unpayable> {
  const { chainId, takes, fees } = spending
  const [first, ...others] = fees
  const known = (currency: Currency) => balances.known(chainId, addressOf(currency), now)
  const read = (currency: Currency) => balances.read(chainId, addressOf(currency), now)
  const [objection, lacks] = await Promise.all([
    spending.objection?.(needsOf(takes, first)),
    lackOf(takes, first, known),
  ])
  if (objection === undefined && lacks === undefined) return { fee: first }
  const cached = await otherFee(spending, others, known)
  if (cached !== undefined) return { fee: cached }
  const short = lacks && (await lackOf(takes, first, read))
  if (objection === undefined && short === undefined) return { fee: first }
  const fresh = await otherFee(spending, others, read)
  if (fresh !== undefined) return { fee: fresh }
  if (objection !== undefined || short === undefined) return objection ?? { fee: first }
  return { unpayable: await shortfall(spending, short, known), code: 'insufficient_funds' }
}

type Look = (currency: Currency) => Promise<bigint | undefined>

/**
 * Returns the amounts that a transaction takes of each token. The chain reserves the maximum of the fee before it runs
 * the transaction.
 */
function needsOf(takes: Amount, fee: Fee | undefined): readonly Need[] {
  const need = ({ currency, value }: Amount, more = 0n): Need => ({
    token: addressOf(currency),
    currency,
    value: value + more,
  })
  if (fee === undefined) return [need(takes)]
  if (fee.bound.currency.id === takes.currency.id) return [need(takes, fee.bound.value)]
  return takes.value === 0n ? [need(fee.bound)] : [need(takes), need(fee.bound)]
}

/** Returns the amounts that a transaction is expected to take of each token, by its usual fee. */
export function takenBy(takes: Amount, fee: Fee | undefined): readonly Need[] {
  return needsOf(takes, fee && { ...fee, bound: fee.usual })
}

/**
 * Returns the balance of the first token of which the account holds too little. Undefined if the account lacks nothing,
 * as far as its balances are known.
 */
async function lackOf(takes: Amount, fee: Fee | undefined, look: Look): Promise<Amount | undefined> {
  for (const { currency, value } of needsOf(takes, fee)) {
    const held = await look(currency)
    if (held !== undefined && held < value) return amount(held, currency)
  }
  return undefined
}

/**
 * Returns the first fee in another token that the account is known to hold, in addition to the amounts that the
 * transaction takes.
 */
async function otherFee(
  { takes, objection }: Spending,
  others: readonly Fee[],
  look: Look,
): Promise<Fee | undefined> {
  if (others.length === 0 || (await lackOf(takes, undefined, look)) !== undefined) return undefined
  const held = await Promise.all(others.map(({ bound }) => look(bound.currency)))
  for (const [index, fee] of others.entries()) {
    const has = held[index]
    if (has !== undefined && has >= fee.bound.value && (await objection?.(needsOf(takes, fee))) === undefined)
      return fee
  }
  return undefined
}

/** Describes the missing amount. If only the fee is missing, it also names the balances of the other tokens. */
async function shortfall({ takes, fees, message }: Spending, holds: Amount, known: Look): Promise<string> {
  const [fee, ...others] = fees
  const extra =
    fee === undefined
      ? ''
      : `${takes.value === 0n ? '' : ' and '}up to ${formatAmount(fee.bound)} for its fee`
  const sentence = `The account holds ${formatAmount(holds)}, and ${message}${extra}`
  const priceIsShort = holds.currency.id === takes.currency.id && holds.value < takes.value
  if (fee === undefined || priceIsShort) return sentence
  if (others.length > 0) {
    const held = await Promise.all(others.map(({ bound: { currency } }) => known(currency)))
    const list = others.map(({ bound: { currency } }, index) => {
      const value = held[index]
      return value === undefined
        ? `an unknown sum of ${currency.symbol}`
        : formatAmount(amount(value, currency))
    })
    return `${sentence}. No other dollar that may pay the fee covers it: the account holds ${list.join(', ')}`
  }
  if (fee.bound.currency.id === takes.currency.id) return sentence
  return `${sentence}. \`feeToken\` of the wallet can name another token for fees`
}
