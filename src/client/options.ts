import { ownOptions, PaymentError } from '../errors/index.js'
import type { FetchLike, PayingFetchOptions } from '../fetch/index.js'
import { checkBytes } from '../http/index.js'
import { type Clock, type Ledger, systemClock } from '../ledger/index.js'
import {
  areRates,
  type Currency,
  checkDuration,
  currencyTable,
  parseUnits,
  type Rates,
  type Units,
} from '../money/index.js'
import type { Approver, PaymentSettings } from '../pay/index.js'
import { checkAgainstWallets, createPolicy, type Policy, type PolicyDocument } from '../policy/index.js'
import { isPreference, type PaymentRange, type Preference } from '../protocol/index.js'
import { completeOwn, isObject } from '../util/objects.js'
import { OPTIONAL_METHODS, type Wallet } from '../wallet/index.js'
import type { TracerLike } from './trace.js'

/** How a purser is set up. Everything but `wallets` and `policy` has a default. */
export interface PurserOptions {
  /** Who spends. Budgets and doubts are kept by this name. Default `agent`. */
  readonly agent?: string
  /** Ways to pay, for example `tempo({ account })`. */
  readonly wallets: readonly Wallet[]
  /** The spending policy: a document, or one that was loaded with `loadPolicy`. */
  readonly policy: PolicyDocument | Policy
  /**
   * Where payments are written down. Default: in Node, Bun and Deno a SQLite file in the user's state directory;
   * in browsers memory. A function is called when it is first needed.
   */
  readonly ledger?: Ledger | (() => Ledger | Promise<Ledger>)
  /** Asked when policy says `ask`. Without one, those payments are refused. */
  readonly approver?: Approver
  /** Currencies beyond the built-in table. A vendor can never add to it. */
  readonly currencies?: readonly Currency[]
  /**
   * What one unit of a currency is at most worth in the policy's unit, as decimal text: fiat by its code of ISO 4217,
   * tokens and coins by id. What is pegged to a currency has its rate. Without a rate, what is not pegged to the unit
   * cannot be counted, so it is refused. Stored with each payment: a rate that changes later changes no sum.
   *
   * @example { EUR: '1.12', 'iso4217:JPY': '0.0068', 'eip155:8453/slip44:60': '4000' }
   */
  readonly rates?: Rates
  /**
   * Which ways to pay are liked, best first: kinds (`tempo/charge`), wildcards (`tempo/*`), or either with a `q` from 0
   * (never) to 1. What is not named has 0.9. Among equals the cheapest wins.
   *
   * @example ['tempo/*', 'x402/exact', { kind: 'stripe/charge', q: 0.5 }, { kind: 'lightning/charge', q: 0 }]
   */
  readonly prefer?: readonly (PaymentRange | Preference)[]
  /** What a refusal is: a 402 reply that says why (`respond`, the default), or an exception (`throw`). */
  readonly onRefusal?: 'respond' | 'throw'
  /** How long an unreported doubt stands in the way of the same request, in whole milliseconds; 0: not at all. Default two minutes. */
  readonly doubtWindow?: number
  /** How long one call may wait for an earlier credential to die, in whole milliseconds; 0: not at all. Default 45 seconds. */
  readonly patience?: number
  /**
   * Shares of a budget, above 0 and up to 1: a payment that brings a budget to one is told as a `budget` event. Default: none.
   *
   * @example [0.5, 0.8]
   */
  readonly budgetAlerts?: readonly number[]
  /** The fetch below this one. Default: the runtime's own. */
  readonly fetch?: FetchLike
  /**
   * How many bytes of a request's body Purser keeps, if the body can be read only once (a stream, the body of a `Request`):
   * what it keeps it can send again with a payment. A longer body is sent, and not paid for. Default 1 MiB (1,048,576).
   */
  readonly maxKeptBody?: number
  /** An OpenTelemetry tracer: one span per payment. */
  readonly tracer?: TracerLike
  /** Where time comes from. For tests. */
  readonly clock?: Clock
}

/**
 * Chooses the ledger of a purser whose options name none.
 *
 * @returns A function that opens it.
 * @throws TypeError if the options must name one in this runtime.
 */
export type DefaultLedger = () => () => Promise<Ledger>

/** {@link PurserOptions}, checked and completed. The payment flow gets them as a part of its `Env`. */
export interface Settings extends PaymentSettings {
  readonly agent: string
  /** Reports the rules of the policy that can never match with these wallets. */
  readonly doubtful: PaymentError | undefined
  readonly rates: Rates
  /** The user's own currencies, as they were given. */
  readonly own: readonly Currency[]
  readonly openLedger: () => Promise<Ledger>
  /** A ledger that was passed as an object, so that other pursers may use it too. */
  readonly sharedLedger: Ledger | undefined
  readonly onRefusal: 'respond' | 'throw'
  readonly budgetAlerts: readonly number[]
  /** The fetch below, how much of a body is kept, and the time from which a `Retry-After` counts. */
  readonly http: Pick<PayingFetchOptions, 'base' | 'limits' | 'now'>
  readonly tracer: TracerLike | undefined
}

/** Options that are lengths of time, in milliseconds, and what they are unless given. */
const DURATIONS = { doubtWindow: 120_000, patience: 45_000 } as const

/** @throws TypeError for what no timer can wait for. 0 is allowed: it turns the wait off. */
function durationOf(options: PurserOptions, name: keyof typeof DURATIONS): number {
  return checkDuration(name, options[name] ?? DURATIONS[name], { least: 0 })
}

const isFunction = (value: unknown): boolean => typeof value === 'function'
const has = (value: unknown, ...methods: readonly string[]): boolean =>
  isObject(value) && methods.every((method) => isFunction(Reflect.get(value, method)))

const MOST_SHARES = 16
/** In whole millionths: a smaller one would be reached by nothing. */
const isShare = (value: unknown): boolean => typeof value === 'number' && value >= 0.000_001 && value <= 1

/** What each option must be, and how that is said. Types are for those who compile; money is for everyone. */
const CHECKS: Readonly<
  Record<
    Exclude<keyof PurserOptions, keyof typeof DURATIONS>,
    readonly [holds: (value: unknown) => boolean, what: string]
  >
> = {
  agent: [(value) => typeof value === 'string' && value.trim() !== '', 'a name'],
  wallets: [Array.isArray, 'a list with at least one wallet, for example [tempo({ account })]'],
  policy: [isObject, 'a policy document: { perPayment, budgets, vendors }'],
  ledger: [(value) => isFunction(value) || has(value, 'hold', 'advance'), 'a ledger, or what opens one'],
  approver: [isFunction, 'a function'],
  currencies: [(value) => Array.isArray(value) && value.every(isObject), 'a list of currencies'],
  rates: [
    (value) => isObject(value) && areRates(value),
    "decimal texts by code of ISO 4217 or id, for example { EUR: '1.12' }",
  ],
  prefer: [
    (value) => Array.isArray(value) && value.every((one) => isPreference(preferenceOf(one))),
    "a list of kinds, for example ['tempo/charge', { kind: 'stripe/*', q: 0.5 }]",
  ],
  onRefusal: [(value) => value === 'respond' || value === 'throw', "'respond' or 'throw'"],
  budgetAlerts: [
    (value) => Array.isArray(value) && value.length <= MOST_SHARES && value.every(isShare),
    `a list of at most ${MOST_SHARES} shares above 0 and up to 1, for example [0.5, 0.8]`,
  ],
  fetch: [isFunction, 'a function'],
  maxKeptBody: [(value) => typeof value === 'number', 'a whole number of bytes'],
  tracer: [(value) => has(value, 'startSpan'), 'an OpenTelemetry tracer'],
  clock: [(value) => has(value, 'now', 'monotonic'), 'a clock: { now, monotonic }'],
}

/**
 * Reads the options.
 *
 * @param unnamed - Decides about the ledger if no option does.
 * @throws TypeError for a caller's mistake; PaymentError `invalid_policy` for a document that does not hold.
 */
export function readOptions(given: PurserOptions, unnamed: DefaultLedger): Settings {
  if (!isObject(given)) throw new TypeError('createPurser needs options: { wallets, policy }')
  const options = ownOptions(given, { ...CHECKS, ...DURATIONS }, 'createPurser')
  for (const [name, [holds, what]] of Object.entries(CHECKS)) {
    const value: unknown = Reflect.get(options, name)
    if (value !== undefined && !holds(value)) throw new TypeError(`${name} must be ${what}`)
  }
  const { agent = 'agent', wallets = [], onRefusal = 'respond', prefer = [], rates = {} } = options
  const doubtWindowMs = durationOf(options, 'doubtWindow')
  const patienceMs = durationOf(options, 'patience')
  if (options.policy === undefined)
    throw new PaymentError(
      'invalid_policy',
      'untouched',
      'A purser needs a policy: { perPayment, budgets, vendors }',
    )
  const ours = readWallets(wallets)
  const policy = isPolicy(options.policy) ? options.policy : createPolicy(options.policy)
  const kinds = ours.flatMap((wallet) => wallet.kinds)
  return {
    agent,
    wallets: ours,
    policy,
    doubtful: checkAgainstWallets(policy, kinds),
    currencies: currencyTable(options.currencies),
    rates,
    own: options.currencies ?? [],
    openLedger: ledgerOpener(options.ledger, unnamed),
    sharedLedger: isShared(options.ledger) ? options.ledger : undefined,
    approver: options.approver,
    prefer: prefer.map(preferenceOf),
    onRefusal,
    doubtWindowMs,
    patienceMs,
    budgetAlerts: options.budgetAlerts ?? [],
    clock: options.clock ?? systemClock,
    http: httpOf(options),
    tracer: options.tracer,
  }
}

function httpOf({ fetch, maxKeptBody: bytes, clock }: PurserOptions): Settings['http'] {
  const keep = bytes === undefined ? {} : { bytes: checkBytes('maxKeptBody', bytes) }
  return {
    limits: { keep },
    ...(fetch === undefined ? {} : { base: fetch }),
    ...(clock === undefined ? {} : { now: () => clock.now() }),
  }
}

function preferenceOf(one: PaymentRange | Preference): Preference {
  return typeof one === 'string' ? { kind: one } : one
}

function isPolicy(policy: PolicyDocument | Policy): policy is Policy {
  return 'evaluate' in policy && typeof policy.evaluate === 'function'
}

function readWallets(wallets: readonly unknown[]): readonly Wallet[] {
  if (wallets.length === 0)
    throw new TypeError('wallets must be a list with at least one wallet, for example [tempo({ account })]')
  const ids = new Set<string>()
  const read = wallets.map((wallet, index) => {
    if (!isWallet(wallet))
      throw new TypeError(`wallets[${index}] is not a wallet: it needs id, kinds, quote, prepare and inspect`)
    if (ids.has(wallet.id))
      throw new TypeError(`Two wallets have the id ${wallet.id}: evidence could not tell them apart`)
    ids.add(wallet.id)
    completeOwn(wallet, OPTIONAL_METHODS)
    return wallet
  })
  return Object.freeze(read)
}

function isWallet(value: unknown): value is Wallet {
  if (!isObject(value)) return false
  const { id, kinds, quote, prepare, inspect }: { readonly [Name in keyof Wallet]?: unknown } = value
  return (
    typeof id === 'string' && id !== '' && Array.isArray(kinds) && [quote, prepare, inspect].every(isFunction)
  )
}

function isShared(ledger: PurserOptions['ledger']): ledger is Ledger {
  return ledger !== undefined && typeof ledger !== 'function'
}

function ledgerOpener(ledger: PurserOptions['ledger'], unnamed: DefaultLedger): () => Promise<Ledger> {
  if (typeof ledger === 'function') return async () => ledger()
  if (ledger !== undefined) return async () => ledger
  return unnamed()
}

/**
 * A per-call cap in the policy's unit.
 *
 * @throws TypeError if it is not a plain decimal text, or is in another unit.
 */
export function readMaxAmount(text: string, symbol: string): Units {
  const match = typeof text === 'string' ? /^([0-9.]+)(?: ([A-Za-z]+))?$/.exec(text) : null
  const units = match?.[1] === undefined ? undefined : parseUnits(match[1])
  if (units === undefined || (match?.[2] !== undefined && match[2] !== symbol))
    throw new TypeError(
      `maxAmount must be a decimal text in ${symbol}, for example '0.05' or '0.05 ${symbol}'`,
    )
  return units
}
