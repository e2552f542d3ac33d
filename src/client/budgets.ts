import type { Ledger } from '../ledger/index.js'
import { type Budget, budgetOf } from '../pay/index.js'
import type { Context, Policy } from '../policy/index.js'

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
  return room.map((one) => budgetOf(one, policy.symbol))
}
