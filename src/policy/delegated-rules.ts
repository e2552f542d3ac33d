import { formatUnits, type Units } from '../money/index.js'
import type { Budget, Rules } from './fields.js'
import type { Layer, Line } from './layers.js'
import { durationText } from './windows.js'

/** The request to let a chain enforce a part of a policy. */
export interface DelegationAsk {
  readonly agent: string
  /** The lifetime of the key, in milliseconds. */
  readonly lifeMs: number
  /** The number of tokens that the key may spend. Each token has its own limit. */
  readonly tokens: number
  /** The amount added to each limit, in the unit. */
  readonly headroom: Units
  /**
   * The rule name of the budget to enforce.
   *
   * @default the budget that allows least over the key's life
   */
  readonly budget?: string
  /**
   * The allowed recipients.
   *
   * @default the payees that the policy names
   */
  readonly recipients?: readonly string[]
  readonly network: string
}

/** One rule of a policy, and the party that enforces it against an agent that holds the key. */
export interface DelegatedRule {
  /** The rule's name as in reasons: `budget.day`, `perPayment`, `vendors.payees`. */
  readonly rule: string
  /** `chain`: enforced for any code that has the key. `purser`: enforced only if the agent pays through Purser. */
  readonly holder: 'chain' | 'purser'
  readonly message: string
}

/** A budget that a chain can enforce: one limit for everything that is spent. */
export interface Candidate {
  readonly line: Line
  /** Absent if the budget never resets (`ever`). */
  readonly periodMs?: number | undefined
  /** The most that the budget allows over the life of the key. */
  readonly total: bigint
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** The longest duration of each calendar window. A chain has no calendar, so a window needs one fixed length. */
const LENGTH: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: HOUR,
  day: DAY,
  week: 7 * DAY,
  month: 31 * DAY,
  year: 366 * DAY,
}

/** Returns the duration of a window on a chain; undefined if the window never ends. */
export function lengthOf(per: Budget['per']): number | undefined {
  return typeof per === 'number' ? per : LENGTH[per]
}

export interface Accounting {
  readonly chosen: Candidate
  readonly recipients: readonly string[]
  readonly ask: DelegationAsk
  readonly symbol: string
}

/** Lists every rule of a layer with the party that enforces it. */
export function account(layer: Layer, accounting: Accounting): readonly DelegatedRule[] {
  const { prefix, rules } = layer
  return [
    ...layer.lines.map((line, index) => budgetRule(line, rules.budgets?.[index], accounting)),
    ...chainRules(layer, accounting),
    ...PURSER_ONLY.filter(([key]) => rules[key] !== undefined).map(([key, message]) => ({
      rule: `${prefix}${key}`,
      holder: 'purser' as const,
      message,
    })),
  ]
}

const PURSER_ONLY: readonly (readonly [keyof Rules, string])[] = [
  ['perPayment', 'A key has one limit per token; the chain does not limit single payments.'],
  ['maxFee', 'The chain counts fees within the limit, and has no separate limit for them.'],
  ['deposits', 'The key cannot open a session: it can only transfer to the named recipients.'],
  ['repeat', 'A chain does not know what is bought.'],
  ['ask', 'The chain cannot ask a person.'],
  ['approval', 'The chain cannot ask a person.'],
  ['maxValidity', 'The signer decides how long a payment is valid.'],
]

function chainRules(
  { prefix, rules, vendors }: Layer,
  { recipients, ask }: Accounting,
): readonly DelegatedRule[] {
  const tokens = ask.tokens === 1 ? 'one token' : `${ask.tokens} tokens`
  const { unlisted = 'deny', currencies, networks } = rules
  const found: DelegatedRule[] = []
  const add = (holder: DelegatedRule['holder'], rule: string, message: string) =>
    found.push({ rule: `${prefix}${rule}`, holder, message })
  if (vendors !== undefined) {
    add('chain', 'vendors.payees', `The key can pay only ${recipients.join(', ')}.`)
    add(
      'purser',
      'vendors',
      'Origins, methods, paths and limits of single vendors: the chain sees only payees.',
    )
  }
  if (unlisted !== 'deny')
    add(
      'chain',
      'unlisted',
      'Vendors that are not listed can be paid only through the recipients of the key.',
    )
  if (currencies !== undefined) add('chain', 'currencies', `The key can touch ${tokens}.`)
  if (networks !== undefined) add('chain', 'networks', `The key exists only on ${ask.network}.`)
  return found
}

function budgetRule(line: Line, budget: Budget | undefined, accounting: Accounting): DelegatedRule {
  const { rule } = line
  const { chosen } = accounting
  if (line === chosen.line) return { rule, holder: 'chain', message: held(accounting) }
  if (line.counts === 'payments')
    return { rule, holder: 'purser', message: 'The chain counts money, not payments.' }
  if (line.by.length > 0) {
    const message = `The chain keeps no counter for each ${line.by.join(' and ')}.`
    return { rule, holder: 'purser', message }
  }
  const windowMs = budget === undefined ? undefined : lengthOf(budget.per)
  if (most(windowMs, accounting) <= line.limit)
    return { rule, holder: 'chain', message: `Follows from ${chosen.line.rule}, which allows less.` }
  return {
    rule,
    holder: 'purser',
    message: `A token of a key has one limit, and that is ${chosen.line.rule}.`,
  }
}

/** Returns the most that the chain allows in any window of that length. */
function most(windowMs: number | undefined, { chosen, ask }: Accounting): bigint {
  const each = (chosen.line.limit + ask.headroom) * BigInt(ask.tokens)
  const { periodMs } = chosen
  if (periodMs === undefined) return each
  // The longest day of a year has one hour more.
  const stretch = windowMs === undefined ? ask.lifeMs : Math.min(windowMs + HOUR, ask.lifeMs)
  const inLife = Math.ceil(ask.lifeMs / periodMs)
  // A span that does not begin with a period overlaps one more period.
  return each * BigInt(Math.min(inLife, Math.ceil(stretch / periodMs) + 1))
}

function held({ chosen, ask, symbol }: Accounting): string {
  const limit = formatUnits(chosen.line.limit, symbol)
  const room = ask.headroom === 0n ? '' : ` and ${formatUnits(ask.headroom, symbol)} of headroom`
  const each = ask.tokens === 1 ? '' : ` for each of ${ask.tokens} tokens`
  const when =
    chosen.periodMs === undefined
      ? 'in all, for as long as the key lives'
      : `in every ${durationText(chosen.periodMs)} from the authorization on; the policy's own window is Purser's`
  return `At most ${limit}${room}${each}, fees included, ${when}.`
}
