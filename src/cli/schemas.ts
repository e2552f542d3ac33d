import * as z from 'zod'

/** The JSON that each command prints with `--json`. A field never changes its meaning. */

const amount = z.strictObject({
  value: z.string().describe('A decimal number, without rounding.'),
  currency: z.string(),
})
const time = z.iso.datetime().describe('A time in UTC, as RFC 3339.')

const budgets = z.strictObject({
  rule: z.string().describe('The place of the rule in the policy.'),
  counts: z.enum(['spend', 'lock', 'payments']).describe('`lock`: deposits in sessions.'),
  scope: z.record(z.string(), z.string()).describe('The agent, task, vendor or tool of the budget.'),
  window: z.string(),
  limit: z.union([amount, z.int()]),
  spent: z.union([amount, z.int()]),
  held: z.union([amount, z.int()]),
  left: z.union([amount, z.int()]),
  resets: time.optional(),
})

const where = z.strictObject({
  config: z.string().optional().describe('The settings file, if there is one.'),
  policy: z.string().optional(),
  ledger: z.string().describe('The file may not exist yet.'),
  agent: z.string(),
})

/** The schema of each command: of its one value, or of one row. */
export const SCHEMAS = { budgets, where } as const satisfies Readonly<Record<string, z.ZodType>>

/** The JSON of a command, or of one of its rows. */
export type JsonOf<Name extends keyof typeof SCHEMAS> = z.input<(typeof SCHEMAS)[Name]>
