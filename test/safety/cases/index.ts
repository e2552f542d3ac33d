import { ASKS_AGAIN, BUDGETS, CONTROL, DENIES } from './asks-again.js'
import type { Group } from './case.js'
import { FLOODED } from './floods.js'
import { MCP, MCP_CONTROL } from './mcp.js'
import { DIVERTED, ELSEWHERE, MISREAD } from './misread.js'
import { NODE_LIES } from './nodes.js'
import { SESSION_CONTROL, SESSIONS, STREAMS } from './sessions.js'
import { STRIPE, STRIPE_CONTROL } from './stripe.js'
import { EVM_ASKS_AGAIN, EVM_CONTROL, EVM_DENIES, EVM_ELSEWHERE, EVM_MISREAD, EVM_TYPED } from './x402.js'

export type { Case, Findings, Group, Outcome, Rail, Step, Told } from './case.js'

/** Every case, in the order of the table. */
export const GROUPS: readonly Group[] = [
  {
    name: 'No attack',
    cases: [...CONTROL, ...SESSION_CONTROL, ...EVM_CONTROL, ...STRIPE_CONTROL, ...MCP_CONTROL],
  },
  { name: 'Asks again', cases: ASKS_AGAIN },
  { name: 'Takes the money and denies it', cases: DENIES },
  { name: 'Has two readings', cases: MISREAD },
  { name: 'Asks for other money, or for another payee', cases: DIVERTED },
  { name: 'Sends the caller to another place', cases: ELSEWHERE },
  { name: 'Gets around budgets', cases: BUDGETS },
  { name: 'Nodes that lie, and fees', cases: NODE_LIES },
  { name: 'Vouchers on a channel', cases: SESSIONS },
  { name: 'Vouchers in a stream', cases: STREAMS, alone: true },
  { name: 'Signed transfers: asks again', cases: EVM_ASKS_AGAIN },
  { name: 'Signed transfers: takes the money and denies it', cases: EVM_DENIES },
  { name: 'Signed transfers: has two readings, or asks for other money', cases: EVM_MISREAD },
  { name: 'Signed transfers: sends the caller to another place', cases: EVM_ELSEWHERE },
  { name: 'Signed transfers of an account that signs typed data only', cases: EVM_TYPED },
  { name: 'Paid through Stripe', cases: STRIPE },
  { name: 'Tools of an MCP server', cases: MCP },
  { name: 'Floods', cases: FLOODED, alone: true },
]
