import { ASKS_AGAIN, BUDGETS, CONTROL, DENIES } from './asks-again.js'
import type { Group } from './case.js'
import { FLOODED } from './floods.js'
import { DIVERTED, ELSEWHERE, MISREAD } from './misread.js'

export type { Case, Findings, Group, Outcome, Step, Told } from './case.js'

/** Every case, in the order of the table. */
export const GROUPS: readonly Group[] = [
  { name: 'No attack', cases: CONTROL },
  { name: 'Asks again', cases: ASKS_AGAIN },
  { name: 'Takes the money, and says otherwise', cases: DENIES },
  { name: 'Can be read in two ways', cases: MISREAD },
  { name: 'Asks for other money, or for somebody else', cases: DIVERTED },
  { name: 'Sends callers elsewhere', cases: ELSEWHERE },
  { name: 'Around budgets', cases: BUDGETS },
  { name: 'Floods', cases: FLOODED, alone: true },
]
