import type { Ledger, Room } from '../ledger/index.js'
import { asJson, formatUnits, type Instant, type Units } from '../money/index.js'
import type { Context, Policy, Scope } from '../policy/index.js'

/** One budget as it stands. Amounts are units: the policy's unit at nine decimals; `payments` counts payments. */
export interface Budget {
  readonly rule: string
  readonly counts: 'spend' | 'lock' | 'payments'
  /** Whose budget it is: policy, agent, task, vendor, … */
  readonly scope: Scope
  readonly window: string
  readonly limit: bigint
  readonly spent: bigint
  /** Set aside for payments under way or in doubt. */
  readonly held: bigint
  readonly remaining: bigint
  readonly resetsAt?: Instant
  /** The same for people: `1.2 of 5 USD spent, 0.1 USD held`. */
  readonly says: string
}

/** Every budget that stands for this context; of a budget per vendor, task and so on every one that was ever used. */
export async function budgetsOf(
  policy: Policy,
  ledger: Ledger,
  context: Context,
): Promise<readonly Budget[]> {
  const { now } = await ledger.facts({ vendor: '', operation: '', agent: context.agent, unit: policy.unit })
  const lines = policy.budgets(context, now)
  const families = await Promise.all(
    lines.map(async ({ claim, each, asks }) => {
      if (each === undefined) return [claim]
      const family = await ledger.family(claim, each)
      return family.filter(({ scope }) => asks === undefined || asks(scope[each] ?? ''))
    }),
  )
  const room = await ledger.room(families.flat())
  return room.map((one) => asBudget(one, policy.symbol))
}

function asBudget({ claim, spent, held, remaining }: Room, symbol: string): Budget {
  const { rule, counts, scope, window, limit, resetsAt } = claim
  return asJson({
    rule,
    counts,
    scope,
    window,
    limit,
    spent,
    held,
    remaining,
    ...(resetsAt === undefined ? {} : { resetsAt }),
    says: sentence(counts, { limit, spent, held }, symbol),
  })
}

function sentence(
  counts: Budget['counts'],
  { limit, spent, held }: Pick<Budget, 'limit' | 'spent' | 'held'>,
  symbol: string,
): string {
  if (counts === 'payments') return `${spent + held} of ${limit} payments`
  const money = (units: Units): string => formatUnits(units, symbol)
  const verb = counts === 'lock' ? 'locked up' : 'spent'
  return `${money(spent)} of ${money(limit)} ${verb}${held > 0n ? `, ${money(held)} held` : ''}`
}
