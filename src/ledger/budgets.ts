import { asJson, formatUnits, type Units } from '../money/index.js'
import type { Context, Policy } from '../policy/index.js'
import type { Budget } from './ledger-view.js'
import type { Ledger, Room } from './port.js'

/**
 * Reads every budget that applies to this context. A budget per vendor, per tool or per another dimension is listed
 * once for each value that has used it.
 */
export async function budgetsOf(
  policy: Policy,
  ledger: Pick<Ledger, 'facts' | 'family' | 'room'>,
  context: Context,
): Promise<readonly Budget[]> {
  const { now } = await ledger.facts({ vendor: '', operation: '', agent: context.agent, unit: policy.unit })
  const families = await Promise.all(
    policy.budgets(context, now).map(async ({ claim, each, asks }) => {
      if (each === undefined) return [claim]
      const family = await ledger.family(claim, each)
      return family.filter(({ scope }) => asks === undefined || asks(scope[each] ?? ''))
    }),
  )
  const rooms = await ledger.room(families.flat())
  return rooms.map((room) => budgetOf(room, policy.symbol))
}

/** Converts a counter to a {@link Budget}. */
export function budgetOf({ claim, spent, held, remaining }: Room, symbol: string): Budget {
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
    message: sentence(counts, { limit, spent, held }, symbol),
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
