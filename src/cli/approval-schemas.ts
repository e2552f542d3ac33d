import * as z from 'zod'
import { amount, time } from './schema-parts.js'

/** The schemas of the commands about questions to people. */
export const ASK = {
  approvals: z.strictObject({
    id: z.string(),
    payment: z.string().describe('The payment that the question is about.'),
    state: z.enum(['waiting', 'approved', 'denied', 'expired', 'withdrawn']),
    live: z
      .boolean()
      .describe('Whether a call waits for the answer. If not, the same request finds it later.'),
    agent: z.string(),
    tasks: z.array(z.string()),
    tool: z.string().optional(),
    vendor: z.string().describe('The origin that the agent dialled.'),
    operation: z.string(),
    price: amount,
    exact: z.boolean().describe('False: the price is a maximum.'),
    feeAtMost: amount.optional(),
    deposit: amount.optional(),
    method: z.string(),
    network: z.string(),
    payees: z.array(z.strictObject({ id: z.string(), amount })),
    reasons: z.array(z.strictObject({ rule: z.string(), message: z.string() })).describe('Why policy asks.'),
    serverSays: z.string().optional().describe("The server's own words. They prove nothing."),
    after: z
      .array(z.strictObject({ rule: z.string(), left: amount }))
      .describe('What the budgets have left if the payment is made.'),
    asked: time,
    expires: time.describe('No answer by then means no.'),
    termsHash: z.string().describe('The hash that a signed answer contains.'),
    answer: z
      .strictObject({
        approved: z.boolean(),
        by: z.string(),
        at: time,
        signed: z.boolean(),
        note: z.string().optional(),
      })
      .optional(),
    usedBy: z.string().optional().describe('The payment that uses the yes.'),
  }),
  approve: z.strictObject({ id: z.string(), approved: z.literal(true), by: z.string(), signed: z.boolean() }),
  deny: z.strictObject({ id: z.string(), approved: z.literal(false), by: z.string(), signed: z.boolean() }),
  approver: z.strictObject({
    name: z.string(),
    type: z.literal('ed25519'),
    publicKey: z.string().describe('Put it into the policy, in approval.by.'),
    file: z.string().describe('The file with the private key.'),
    encrypted: z.boolean(),
  }),
} as const
