import * as z from 'zod'
import { amount, time } from './schema-parts.js'

const place = {
  path: z.string().optional().describe('The place in the policy, for example vendors[0].perPayment.'),
  line: z.int().optional().describe('The line in the policy file, from 1.'),
}

/** The schemas of the commands that care for the policy and the ledger. */
export const CARE = {
  'policy check': z.strictObject({
    file: z.string(),
    valid: z.boolean(),
    errors: z.array(
      z.strictObject({ ...place, column: z.int().optional().describe('From 1.'), message: z.string() }),
    ),
    hash: z.string().optional().describe('The same for all files with the same rules.'),
    agents: z.array(z.string()).describe('The agents with own rules.'),
  }),
  'policy explain': z.strictObject({
    of: z.string().describe('The id of the payment, or the URL.'),
    agent: z.string(),
    vendor: z.string(),
    operation: z.string(),
    effect: z
      .enum(['allow', 'ask', 'deny'])
      .optional()
      .describe('The decision on the payment. For a URL: deny, or absent, because the price is not known.'),
    changed: z.boolean().describe('True: the policy has changed since the payment.'),
    rules: z.array(
      z.strictObject({
        rule: z.string(),
        says: z.enum(['refuses', 'asks', 'allows', 'limits']),
        message: z.string(),
        left: z.union([amount, z.int()]).optional().describe('The part of a budget that is left now.'),
        ...place,
      }),
    ),
  }),
  'notify test': z.strictObject({
    targets: z.array(
      z.strictObject({
        target: z.string().describe('The target, without its secrets.'),
        delivered: z.boolean(),
        why: z.string().optional().describe('Why it was not delivered.'),
      }),
    ),
  }),
  'ledger verify': z.strictObject({
    ledger: z.string(),
    id: z.string(),
    ok: z.boolean(),
    payments: z.int(),
    states: z.record(z.string(), z.int()).describe('The number of payments in each state.'),
    counters: z.int().describe('The counters that were compared with the sums of their payments.'),
    different: z.array(
      z.strictObject({
        counts: z.enum(['spend', 'lock', 'payments']),
        window: z.string(),
        scope: z.record(z.string(), z.string()),
        kept: z.string().describe('Units: a count with nine decimals; or a number of payments.'),
        summed: z.string(),
      }),
    ),
    gaps: z.array(
      z.strictObject({
        since: time,
        cause: z.enum(['log_lost', 'older_copy', 'backup']),
        confirmed: z.boolean().describe('False: nothing is paid until a person has stated the spending.'),
      }),
    ),
    frozen: z.string().optional(),
  }),
  'ledger backup': z.strictObject({
    ledger: z.string(),
    backup: z.string(),
    until: time.describe('The backup has all payments up to this time.'),
  }),
  'ledger restore': z.strictObject({
    ledger: z.string(),
    since: time.describe('Payments after this time may be missing.'),
    replaced: z.string().optional().describe('The new name of the ledger that was there before.'),
  }),
  'ledger confirm-restore': z.strictObject({
    by: z.string(),
    settled: z.int(),
    released: z.int(),
    open: z.int().describe('Payments in doubt.'),
  }),
  'confirm-clock': z.strictObject({ confirmed: z.literal(true), to: z.enum(['store', 'wall']) }),
} as const satisfies Readonly<Record<string, z.ZodType>>
