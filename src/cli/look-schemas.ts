import * as z from 'zod'
import { amount, time } from './schema-parts.js'

/** The states of a payment, for scripts. `--state` takes them too. */
export const STATES = [
  'refused',
  'waiting',
  'progress',
  'held',
  'doubt',
  'settled',
  'undelivered',
  'released',
] as const

const state = z
  .enum(STATES)
  .describe(
    [
      'refused: policy or a person refused it.',
      'waiting: it waits for a person.',
      'progress: a process works on it.',
      'held: its process has ended before anything was signed, and its budget is still held.',
      'doubt: the money may have moved.',
      'settled: paid and delivered.',
      'undelivered: paid, and the answer did not arrive.',
      'released: no money moved.',
    ].join(' '),
  )

const reason = z.strictObject({
  rule: z.string(),
  message: z.string(),
  limit: z.string().optional(),
  asked: z.string().optional(),
  remaining: z.string().optional(),
  resets: time.optional(),
  payment: z.string().optional().describe('The earlier payment that the rule refers to.'),
})

const payment = {
  id: z.string(),
  created: time,
  updated: time,
  agent: z.string(),
  tasks: z.array(z.string()),
  tool: z.string().optional(),
  vendor: z.string(),
  operation: z.string().describe('Without the query of the URL.'),
  kind: z.string().describe('The payment method and intent, for example tempo/charge.'),
  network: z.string(),
  state,
  delivered: z.boolean(),
  price: amount.describe('The agreed price, or its maximum.'),
  paid: amount.optional().describe('The money that moved, without the fee.'),
  fee: amount.optional().describe('The fee that was taken. Absent until Purser has read it.'),
  feeAtMost: amount.optional().describe('The highest possible fee.'),
  deposit: amount.optional().describe('The deposit of a session that this payment locked up.'),
  counted: amount.describe('The amount that counts in the budgets now, held or spent.'),
  countedAt: time.describe('Budgets count the payment in the window that contains this time.'),
  proof: z.enum(['receipt', 'chain', 'person']).optional(),
  reference: z.string().optional(),
  reason: z.string().optional().describe('Why it was refused or released.'),
  reasons: z.array(reason),
  times: z.int().optional().describe('The number of refusals in this record.'),
  approvedBy: z.string().optional(),
  recheck: time.optional().describe('When Purser checks it again.'),
}

const receipt = z.strictObject({
  success: z.boolean(),
  method: z.string().optional(),
  reference: z.string().optional(),
  challenge: z.string().optional(),
  timestamp: z.string().optional().describe('As the server wrote it.'),
  network: z.string().optional(),
  claims: z.record(z.string(), z.unknown()).describe('The complete statement of the server, as it came.'),
})

const attempt = z.strictObject({
  at: time,
  challenge: z.string(),
  kind: z.string(),
  network: z.string(),
  price: amount,
  wallet: z.string(),
  references: z.array(z.string()).describe('Hashes, nonces and memos that find it on a chain or in a log.'),
  void: z.string().optional().describe('Why it can take no money any more.'),
})

const payee = z.strictObject({ id: z.string(), amount })

/** The schemas of the commands that look at the ledger. */
export const LOOK = {
  budgets: z.strictObject({
    rule: z.string().describe('The place of the rule in the policy.'),
    counts: z.enum(['spend', 'lock', 'payments']).describe('`lock`: deposits in sessions.'),
    scope: z.record(z.string(), z.string()).describe('The agent, task, vendor or tool of the budget.'),
    window: z.string().describe('For example day@UTC, 30d~ (the last 30 days) or ever.'),
    limit: z.union([amount, z.int()]),
    spent: z.union([amount, z.int()]),
    held: z.union([amount, z.int()]),
    left: z.union([amount, z.int()]),
    resets: time.optional(),
  }),
  payments: z.strictObject(payment),
  payment: z.strictObject({
    ...payment,
    currency: z.string().describe('The id of the currency of the price.'),
    exact: z.boolean().describe('False: the price is a maximum.'),
    payees: z.array(payee),
    escrow: z.string().optional(),
    effect: z.enum(['allow', 'ask', 'deny']).describe('The decision of the policy.'),
    policy: z.string().describe('The hash of the policy that decided.'),
    key: z.string().optional().describe('The Idempotency-Key.'),
    attempts: z.array(attempt).describe('Each credential that was signed.'),
    receipts: z.array(receipt),
    rejection: z
      .strictObject({
        status: z.int(),
        type: z.string().optional(),
        title: z.string().optional(),
        detail: z.string().optional(),
      })
      .optional()
      .describe("The server's answer to a credential that it did not accept. It proves nothing."),
    trace: z.string().optional(),
  }),
  receipt: z.strictObject({
    payment: z.string(),
    receipt,
    expected: z
      .strictObject({
        vendor: z.string(),
        kind: z.string(),
        network: z.string(),
        price: amount,
        payees: z.array(payee),
        challenges: z.array(z.string()).describe('The challenges that Purser answered.'),
        references: z.array(z.string()).describe("The wallet's own references of its credentials."),
      })
      .describe('The values of the payment that Purser compares with the receipt.'),
    matches: z
      .strictObject({ challenge: z.boolean().optional(), network: z.boolean().optional() })
      .describe('Whether the receipt names the same values. Absent if it does not name them.'),
    proof: z.enum(['receipt', 'chain', 'person']).optional().describe('What settled the payment.'),
  }),
  vendors: z.strictObject({
    vendor: z.string(),
    payments: z.int().describe('Payments that settled.'),
    delivered: z.int().describe('Those of them whose answer arrived.'),
    open: z.int().describe('Payments in progress, in doubt or waiting.'),
    refused: z.int(),
    counted: amount.describe('The sum that counts in budgets, with fees, held or spent.'),
    first: time,
    last: time,
    operation: z.string().optional().describe('The operation of the newest settled payment.'),
    price: amount.optional().describe('The price of that payment.'),
    priceBefore: amount.optional().describe('The price of the same operation 30 days or more before now.'),
    payees: z
      .array(z.strictObject({ rail: z.string(), payee: z.string() }))
      .describe('The payees to which the vendor is restricted.'),
  }),
  sessions: z.strictObject({
    id: z.string().describe('The lane of the vouchers.'),
    vendor: z.string(),
    address: z.string().describe('The URL without its query.'),
    wallet: z.string(),
    state: z.enum(['opening', 'open', 'closing', 'closed']),
    deposit: amount,
    signed: amount.describe('The highest total that was signed on it: the most that the vendor can take.'),
    left: amount.describe('The part of the deposit that was not signed away.'),
    payments: z.array(z.string()).describe('The payments that locked up the deposit.'),
  }),
  watch: z.strictObject(payment).describe('A payment each time that it changes.'),
  export: z.discriminatedUnion('row', [
    z.strictObject({
      row: z.literal('payment'),
      ...payment,
      currency: z.string().describe('The id of the currency of the price.'),
      rate: z.string().optional().describe('The value of one coin of it in the unit of `counted`.'),
      final: z.boolean().describe('True: `counted` is spent. False: it is held, and may still change.'),
      payments: z.int().describe('What it counts for in budgets that count payments.'),
      receipts: z.array(receipt),
    }),
    z
      .strictObject({
        row: z.literal('gap'),
        since: time,
        countedAt: time,
        by: z.string().describe('The person who stated the sum.'),
        counted: amount.optional().describe('Absent: unknown, so each budget of that time is full.'),
        payments: z.int().optional(),
      })
      .describe('Payments that the ledger lost, as a person stated them.'),
  ]),
  statement: z.strictObject({
    month: z.string(),
    vendor: z.string(),
    agent: z.string(),
    payments: z.int().describe('Payments that settled.'),
    price: amount.describe('Their prices, in the unit of the policy.'),
    fees: amount.describe(
      'Fees, also of attempts that failed. A fee that is not known yet counts at its bound.',
    ),
    undelivered: z.strictObject({ payments: z.int(), price: amount }),
    open: z.strictObject({ payments: z.int(), amount }).describe('Payments in progress or in doubt.'),
    total: amount.describe('Prices, fees and open amounts: the sum of the budgets.'),
  }),
} as const satisfies Readonly<Record<string, z.ZodType>>
