import type { Clock, Evidence, Hold, Ledger, Move } from '../../src/ledger/index.js'
import { type Amount, amount, CURRENCIES, type Currency, count } from '../../src/money/index.js'
import type { CounterClaim, Decision, Terms } from '../../src/policy/index.js'
import { inScope, taskKeys } from '../../src/policy/index.js'

export const START = Date.UTC(2026, 0, 5, 12)
export const DAY = 86_400_000
export const VENDOR = 'https://api.search.example'
export const OPERATION = 'GET /v1/items/*'
export const usd = CURRENCIES.pathUSD

/** Time that moves only when told to. */
export class TestClock implements Clock {
  wall = START
  mono = 0
  /** Time since the host was started, sleep included. Undefined: this runtime has no such clock. */
  boot: number | undefined = 1_000_000
  now(): number {
    return this.wall
  }
  monotonic(): number {
    return this.mono
  }
  booted(): number | undefined {
    return this.boot
  }
  /** Time passes. */
  pass(ms: number): void {
    this.sleep(ms)
    this.mono += ms
  }
  /** The host sleeps: the monotonic clock stands still. */
  sleep(ms: number): void {
    this.wall += ms
    if (this.boot !== undefined) this.boot += ms
  }
  /** The host is started anew, by a process of its own. */
  restart(): void {
    this.mono = 0
    if (this.boot !== undefined) this.boot = 0
  }
  /** Somebody sets the clock. */
  set(ms: number): void {
    this.wall += ms
  }
}

export const cents = (n: number, currency: Currency = usd): Amount => amount(BigInt(n) * 10_000n, currency)
/** A hundredth of a dollar in units. */
export const CENT = 10_000_000n

export interface Buy {
  readonly price?: number
  readonly fee?: number
  readonly agent?: string
  readonly tasks?: readonly string[]
  readonly vendor?: string
  readonly payee?: string
  readonly fingerprint?: string
  readonly key?: string
  readonly owner?: string
  readonly limit?: bigint
  readonly claims?: readonly CounterClaim[]
  readonly policy?: string
  /** The remembered approval that it is made under. */
  readonly grant?: string
  readonly lane?: Hold['lane']
  readonly reserves?: Hold['reserves']
  /** Cents that it locks up. */
  readonly locks?: number
  readonly pattern?: string
  readonly doubtWindowMs?: number
}

export function termsOf({ price = 10, fee = 0, payee = '0xaaaa', locks }: Buy): Terms {
  return {
    purpose: 'pay',
    kind: 'tempo/charge',
    network: 'eip155:4217',
    most: cents(price),
    exact: true,
    payees: [{ id: payee, amount: cents(price) }],
    ...(locks === undefined ? {} : { locks: cents(locks) }),
    ...(fee === 0 ? {} : { fee: { bound: cents(fee), usual: cents(fee) } }),
  }
}

export function dayClaim(now: number, amount: bigint, limit: bigint, scope = {}): CounterClaim {
  const from = Math.floor(now / DAY) * DAY
  return {
    counts: 'spend',
    scope: { policy: 'team', ...scope },
    window: 'day@UTC',
    from,
    at: from,
    resetsAt: from + DAY,
    amount,
    limit,
    rule: 'budget.day',
  }
}

export function everClaim(amount: bigint, limit: bigint, scope = {}): CounterClaim {
  return {
    counts: 'spend',
    scope: { policy: 'team', ...scope },
    window: 'ever',
    from: 0,
    at: 0,
    amount,
    limit,
    rule: 'budget.ever',
  }
}

export function rollingClaim(now: number, amount: bigint, limit: bigint, scope = {}): CounterClaim {
  const ms = 30 * DAY
  const at = Math.floor(now / (ms / 60)) * (ms / 60)
  return { ...everClaim(amount, limit, scope), window: '30d~', from: at - ms, at, rule: 'budget.30d' }
}

/** A hold as pay/ would make it: the facts are read, and the decision rests on them. */
export async function holdOf(ledger: Ledger, id: string, buy: Buy = {}): Promise<Hold> {
  const { agent = 'researcher', tasks = [], vendor = VENDOR, pattern = OPERATION } = buy
  const facts = await ledger.facts({ vendor, operation: pattern, agent, unit: 'iso4217:USD' })
  const terms = termsOf(buy)
  const price = count(terms.most, 'iso4217:USD') ?? 0n
  const units = price + BigInt(buy.fee ?? 0) * CENT
  const dimensions = {
    policy: buy.policy ?? 'team',
    agent,
    tasks: taskKeys(tasks),
    vendor,
    payees: { [buy.payee ?? '0xaaaa']: price },
    network: terms.network,
    unit: 'iso4217:USD',
    ...(buy.grant === undefined ? {} : { grant: buy.grant }),
  }
  const claims = buy.claims ?? [dayClaim(facts.now, units, buy.limit ?? 1_000_000n * CENT)]
  const decision: Decision = {
    effect: 'allow',
    reasons: [],
    claims: claims.filter(({ scope }) => inScope(scope, dimensions)),
    dimensions,
    units,
    price,
    unit: 'iso4217:USD',
    payees: 'pin',
    facts: facts.version,
    at: facts.now,
    policy: 'hash',
  }
  return {
    id,
    owner: buy.owner ?? 'me',
    context: { agent, tasks },
    resource: { transport: 'http', vendor, operation: 'GET /v1/items/1' },
    fingerprint: buy.fingerprint ?? `print of ${id}`,
    ...(buy.key === undefined ? {} : { key: buy.key }),
    pattern,
    ...(buy.reserves === undefined ? {} : { reserves: buy.reserves }),
    terms,
    decision,
    ...(buy.lane === undefined ? {} : { lane: buy.lane }),
    doubtWindowMs: buy.doubtWindowMs ?? 120_000,
  }
}

export const evidence: Evidence = {
  wallet: 'tempo:0xabc',
  kind: 'tempo/charge',
  refs: ['0xhash'],
  detail: { nonce: '1' },
}

export function committed(
  buy: Buy = {},
  extra: { pin?: boolean; widenPin?: boolean; signed?: bigint } = {},
): Move {
  return {
    to: 'committed',
    attempt: { challengeId: 'c1', terms: termsOf(buy), evidence },
    pin: extra.pin ?? false,
    widenPin: extra.widenPin ?? false,
    ...(extra.signed === undefined ? {} : { signed: extra.signed }),
  }
}

export const settled = { to: 'settled', proof: 'receipt', reference: '0xref', delivered: true } as const
/** Settled, and its fee is due then. */
export const settledUntil = (recheckAt: number): Move => ({ ...settled, recheckAt })
