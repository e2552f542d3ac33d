import { type Names, ownOptions } from '../errors/index.js'
import { checkedClock } from '../ledger/index.js'
import {
  type Amount,
  amount,
  type Currency,
  type Instant,
  parseUnits,
  partsWithin,
  type Units,
} from '../money/index.js'
import {
  type DelegatedRule,
  type DelegationPlan,
  documentOf,
  planDelegation,
  type Terms,
} from '../policy/index.js'
import type { Resource } from '../protocol/index.js'
import type {
  AccessKeyLimit,
  AccessKeyManager,
  AccessKeyName,
  Allowances,
  AuthorizedKey,
  AuthorizeKeyOptions,
} from '../wallet/index.js'
import type { Settings } from './options.js'

/** The options of `purser.delegate`. */
export interface DelegateOptions {
  /** Manages the access keys with the account's own key: `tempoKeys({ account })` of `purser/wallet/tempo`. */
  readonly keys: AccessKeyManager
  /** The access key: its address, or the account with which the agent will sign. */
  readonly key: AccessKeyName
  /** The end of the key. */
  readonly expires: Date | Instant
  /** The tokens that the key may spend. Each token has its own limit, so the total can be their sum. */
  readonly tokens: readonly [Currency, ...Currency[]]
  /** The token of the fees, if it is not the token of the payment (`feeToken` of the agent's wallet). */
  readonly feeToken?: Currency
  /** The accounts that may receive. Required if the policy does not name all payees. It can only narrow the policy. */
  readonly recipients?: readonly string[]
  /**
   * The budget for the chain to enforce, by its rule: `budget.day`. Default: the budget that allows the least in
   * total.
   */
  readonly budget?: string
  /** Room for the fee that the chain reserves before it runs a payment, in the policy's unit. Default `0.05`. */
  readonly headroom?: string
}

const OPTIONS: Names<DelegateOptions> = {
  keys: true,
  key: true,
  expires: true,
  tokens: true,
  feeToken: true,
  recipients: true,
  budget: true,
  headroom: true,
}

/** The part of a policy that a chain can enforce: a key that can be authorized, and who enforces each rule. */
export interface Delegation {
  readonly account: string
  readonly key: string
  readonly network: string
  readonly expires: Instant
  /** The most that can leave in each token, fees included, for any code that uses the key. */
  readonly limits: readonly AccessKeyLimit[]
  /** The only accounts that can receive. */
  readonly recipients: readonly string[]
  /** Every rule of the policy, and who enforces it: the chain, or only a purser. */
  readonly rules: readonly DelegatedRule[]
  /** The accounts that may take tokens from the account outside the limits of any key. */
  readonly allowances: Allowances
  /** The highest cost of the authorization for the account. */
  readonly cost: Amount
  /**
   * Signs with the account's own key, and waits until the chain has the authorization.
   *
   * @throws PaymentError `refused` if allowances are open or could not all be checked, unless they are accepted with
   * `{ despiteAllowances: true }`; `wallet_failed` if the chain refused it.
   */
  authorize(options?: AuthorizeKeyOptions): Promise<AuthorizedKey>
}

const HEADROOM = '0.05'

/**
 * @throws TypeError for a policy or options that cannot be delegated; PaymentError if the state of the chain prevents
 * it.
 */
export async function delegate(settings: Settings, given: DelegateOptions): Promise<Delegation> {
  const options = ownOptions(given, OPTIONS, 'delegate()')
  const { policy, agent } = settings
  const clock = checkedClock(settings.clock)
  const document = documentOf(policy)
  if (document === undefined)
    throw new TypeError(
      'Only a policy that was made of a document can be delegated: use createPolicy or loadPolicy',
    )
  const { keys, key } = options
  const expires = Number(options.expires)
  if (!Number.isFinite(expires) || expires <= clock.now())
    throw new TypeError('expires must be a time to come: a Date, or epoch milliseconds')
  const headroom = readHeadroom(options.headroom ?? HEADROOM, policy.symbol)
  const plan = planDelegation(document, {
    agent,
    lifeMs: expires - clock.now(),
    tokens: (options.tokens?.length ?? 0) + (separateFees(options) === undefined ? 0 : 1),
    headroom,
    network: keys.network,
    ...(options.budget === undefined ? {} : { budget: options.budget }),
    ...(options.recipients === undefined ? {} : { recipients: options.recipients }),
  })
  const limits = limitsOf(plan, headroom, options, settings)
  const { recipients, rules } = plan
  for (const limit of limits) refuseUseless(limit, recipients, options, settings)
  const proposal = await keys.propose({ key, expires, limits, recipients })
  return Object.freeze({
    account: keys.account,
    network: keys.network,
    expires,
    limits,
    recipients,
    rules,
    ...proposal,
  })
}

function limitsOf(
  plan: DelegationPlan,
  headroom: Units,
  options: DelegateOptions,
  settings: Settings,
): readonly AccessKeyLimit[] {
  const { tokens } = options
  if (!Array.isArray(tokens) || tokens.length === 0)
    throw new TypeError('tokens must list what the key may spend, for example [CURRENCIES.USDCe]')
  if (new Set(tokens.map(({ id }) => id)).size < tokens.length)
    throw new TypeError('tokens names a token twice')
  const most = plan.limit + headroom
  const period = plan.periodMs === undefined ? {} : { periodMs: plan.periodMs }
  const limitOf = (currency: Currency, use: AccessKeyLimit['use']): AccessKeyLimit => ({
    amount: limitIn(currency, most, options, settings),
    use,
    ...period,
  })
  const fees = separateFees(options)
  return [
    ...tokens.map((token) => limitOf(token, 'payments')),
    ...(fees === undefined ? [] : [limitOf(fees, 'fees')]),
  ]
}

function separateFees({ tokens, feeToken }: DelegateOptions): Currency | undefined {
  return tokens?.some(({ id }) => id === feeToken?.id) ? undefined : feeToken
}

/** Converts units into an amount of this currency, rounded down. Purser pays only in currencies that it knows. */
function limitIn(
  currency: Currency,
  units: Units,
  { keys }: DelegateOptions,
  { currencies, policy }: Settings,
): Amount {
  const found = currencies.get(currency.id)
  if (found === undefined || !found.id.startsWith(`${keys.network}/`))
    throw new TypeError(`${currency.symbol} is no currency that this purser knows on ${keys.network}`)
  const parts = partsWithin(units, found, policy.unit)
  if (parts === undefined)
    throw new TypeError(
      `${currency.symbol} is not pegged to ${policy.symbol}, so no budget says how much of it may go`,
    )
  return amount(parts, found)
}

/** Asks policy whether it pays at all in this token and on this network. Otherwise the key would be useless. */
function refuseUseless(
  { amount: most }: AccessKeyLimit,
  recipients: readonly string[],
  { keys: { kind, network } }: DelegateOptions,
  { policy, agent, clock }: Settings,
): void {
  const payees = recipients.slice(0, 1).map((id) => ({ id, amount: most }))
  const terms: Terms = { purpose: 'pay', kind, network, most, exact: true, payees }
  const facts = {
    now: clock.now(),
    version: 0,
    pins: {},
    usual: {},
    grants: [],
    knownVendor: true,
    denied: [],
    denials: 0,
  }
  const { reasons } = policy.evaluate(terms, ANYWHERE, { agent, tasks: [] }, facts)
  const never = reasons.find(({ rule }) => /(?:^|\.)(?:networks|networks\.test|currencies)$/.test(rule))
  if (never !== undefined) throw new TypeError(`This key would be good for nothing. ${never.message}`)
}

const ANYWHERE: Resource = {
  transport: 'http',
  vendor: 'https://anywhere.invalid',
  operation: 'GET /',
  address: 'https://anywhere.invalid/',
  method: 'GET',
  path: '/',
}

function readHeadroom(text: string, symbol: string): Units {
  const units = typeof text === 'string' ? parseUnits(text.replace(` ${symbol}`, '')) : undefined
  if (units === undefined)
    throw new TypeError(`headroom must be a decimal text in ${symbol}, for example '0.05'`)
  return units
}
