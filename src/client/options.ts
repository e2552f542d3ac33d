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
import type { Approver, PasskeyVerifier, PaymentSettings } from '../pay/index.js'
import { checkAgainstWallets, createPolicy, type Policy, type PolicyDocument } from '../policy/index.js'
import { isPreference, type PaymentRange, type Preference } from '../protocol/index.js'
import { completeOwn, isObject } from '../util/objects.js'
import { OPTIONAL_METHODS, type Wallet } from '../wallet/index.js'
import type { Notifier } from './notifier.js'
import type { TracerLike } from './trace.js'

/** The options of {@link createPurser}. All except `wallets` and `policy` have a default. */
export interface PurserOptions {
  /** The name of the spender. Budgets and payments in doubt belong to this name. Default `agent`. */
  readonly agent?: string
  /** The ways to pay, for example `tempo({ account })`. */
  readonly wallets: readonly Wallet[]
  /** The spending policy: a document, or a policy from `loadPolicy`. */
  readonly policy: PolicyDocument | Policy
  /**
   * The ledger that stores the payments. Default: in Node, Bun and Deno a SQLite file in the user's state directory;
   * in browsers memory. A function is called when the ledger is first needed.
   */
  readonly ledger?: Ledger | (() => Ledger | Promise<Ledger>)
  /** Decides about payments for which policy says `ask`. Without an approver they are refused. */
  readonly approver?: Approver
  /**
   * `ledger`: people may answer from outside of this process, for example by `purser approve` or by `purser.approvals` of
   * another process. A question then waits in the ledger until somebody answers or it expires, also if this process
   * ends. Default: only the approver answers, and without one the payment is refused at once.
   */
  readonly approvals?: 'ledger'
  /** Checks answers that a passkey signed: `passkeyVerifier()` from `purser/passkeys`. Without it, they do not count. */
  readonly passkeys?: PasskeyVerifier
  /** Currencies in addition to the built-in table. A vendor can never add one. */
  readonly currencies?: readonly Currency[]
  /**
   * The highest value of one unit of a currency in the policy's unit, as decimal text. Fiat currencies are named by
   * their code of ISO 4217, tokens and coins by id. A token that is pegged to a currency has the rate of that
   * currency. Without a rate, a currency that is not pegged to the unit is refused, because it cannot be counted. The
   * rate is stored with each payment, so a later change does not change a sum.
   *
   * @example { EUR: '1.12', 'iso4217:JPY': '0.0068', 'eip155:8453/slip44:60': '4000' }
   */
  readonly rates?: Rates
  /**
   * The preferred ways to pay, best first: kinds (`tempo/charge`), wildcards (`tempo/*`), or either with a `q` from 0
   * (never) to 1. Others have 0.9. Among equals the cheapest is used.
   *
   * @example ['tempo/*', 'x402/exact', { kind: 'stripe/charge', q: 0.5 }, { kind: 'lightning/charge', q: 0 }]
   */
  readonly prefer?: readonly (PaymentRange | Preference)[]
  /** Whether a refusal is a 402 reply with the reasons (`respond`, the default) or an error (`throw`). */
  readonly onRefusal?: 'respond' | 'throw'
  /**
   * How long an unreported payment in doubt blocks the same request, in whole milliseconds. 0: not at all. Default
   * two minutes.
   */
  readonly doubtWindow?: number
  /**
   * How long one call may wait until an earlier credential expires, in whole milliseconds. 0: not at all. Default 45
   * seconds.
   */
  readonly patience?: number
  /**
   * Shares of a budget, above 0 and up to 1. A payment that brings a budget to one of them emits a `budget` event.
   * Default: none.
   *
   * @example [0.5, 0.8]
   */
  readonly budgetAlerts?: readonly number[]
  /**
   * Tells people outside of this process about questions, freezes, budgets, doubts and anomalies. Made by `notifier()` of
   * `purser/notify`. If a receiver may answer, the purser takes answers from its ledger (`approvals: 'ledger'`).
   */
  readonly notify?: Notifier
  /** The fetch below this one. Default: the runtime's own. */
  readonly fetch?: FetchLike
  /**
   * How many bytes Purser keeps of a body that can be read only once (a stream, the body of a `Request`), so that it
   * can send them again with a payment. A longer body is sent, but not paid for. Default 1 MiB (1,048,576).
   */
  readonly maxKeptBody?: number
  /** An OpenTelemetry tracer. Each payment is one span. */
  readonly tracer?: TracerLike
  /** The source of time, for tests. */
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
  /** The error about rules of the policy that can never match with these wallets. */
  readonly policyWarning: PaymentError | undefined
  readonly rates: Rates
  /** The user's own currencies, as given. */
  readonly own: readonly Currency[]
  readonly openLedger: () => Promise<Ledger>
  /** A ledger that was passed as an object, so that other pursers may use it too. */
  readonly sharedLedger: Ledger | undefined
  readonly onRefusal: 'respond' | 'throw'
  readonly budgetAlerts: readonly number[]
  readonly notify: Notifier | undefined
  /** The fetch below, how much of a body is kept, and the time from which a `Retry-After` counts. */
  readonly http: Pick<PayingFetchOptions, 'base' | 'limits' | 'now'>
  readonly tracer: TracerLike | undefined
}

/** The options that are durations in milliseconds, with their defaults. */
const DURATIONS = { doubtWindow: 120_000, patience: 45_000 } as const

/** @throws TypeError for a duration that no timer supports. 0 is allowed: it turns the wait off. */
function durationOf(options: PurserOptions, name: keyof typeof DURATIONS): number {
  return checkDuration(name, options[name] ?? DURATIONS[name], { least: 0 })
}

const isFunction = (value: unknown): boolean => typeof value === 'function'
const has = (value: unknown, ...methods: readonly string[]): boolean =>
  isObject(value) && methods.every((method) => isFunction(Reflect.get(value, method)))

const MOST_SHARES = 16
/** Shares are counted in whole millionths, so a smaller share is not possible. */
const isShare = (value: unknown): boolean => typeof value === 'number' && value >= 0.000_001 && value <= 1

/** The check of each option, and its description. They also protect users without TypeScript. */
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
  passkeys: [isFunction, 'a function'],
  approvals: [(value) => value === 'ledger', "'ledger'"],
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
  notify: [(value) => has(value, 'start'), 'made by notifier() of purser/notify'],
  fetch: [isFunction, 'a function'],
  maxKeptBody: [(value) => typeof value === 'number', 'a whole number of bytes'],
  tracer: [(value) => has(value, 'startSpan'), 'an OpenTelemetry tracer'],
  clock: [(value) => has(value, 'now', 'monotonic'), 'a clock: { now, monotonic }'],
}

/**
 * Reads the options.
 *
 * @param unnamed - Chooses the ledger if no option names one.
 * @throws TypeError for a caller's mistake; PaymentError `invalid_policy` for a policy that cannot be used.
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
    policyWarning: checkAgainstWallets(policy, kinds),
    currencies: currencyTable(options.currencies),
    rates,
    own: options.currencies ?? [],
    openLedger: ledgerOpener(options.ledger, unnamed),
    sharedLedger: isShared(options.ledger) ? options.ledger : undefined,
    approver: options.approver,
    approvals: options.approvals ?? (options.notify?.mayAnswer === true ? 'ledger' : undefined),
    notify: options.notify,
    passkeys: options.passkeys,
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
 * Reads the limit of one call, in the policy's unit.
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
