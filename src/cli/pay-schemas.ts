import * as z from 'zod'
import { amount, time } from './schema-parts.js'

const reason = z.strictObject({ rule: z.string(), message: z.string() })

const fetch = z
  .strictObject({
    outcome: z.enum([
      'delivered',
      'refused',
      'waits',
      'not_paid',
      'in_doubt',
      'undelivered',
      'frozen',
      'failed',
    ]),
    funds: z.enum(['untouched', 'held', 'committed', 'settled', 'unknown']),
    status: z.int().optional().describe('The status of the answer; 0 if none came.'),
    payment: z
      .strictObject({
        id: z.string(),
        state: z.string(),
        delivered: z.boolean(),
        vendor: z.string(),
        operation: z.string(),
        method: z.string(),
        network: z.string(),
        price: amount,
        fee: amount.optional().describe('Absent until it is read from the chain.'),
      })
      .optional(),
    payment_id: z.string().optional(),
    left: z.strictObject({ amount, window: z.string() }).optional(),
    approval: z
      .strictObject({ id: z.string(), expires: time })
      .optional()
      .describe('The question that waits for a person.'),
    error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
    reasons: z.array(reason).optional(),
    next_step: z.string().optional().describe('The command to type next.'),
  })
  .describe('The line that `purser fetch --json` prints to stderr. stdout is the body.')

const quote = z.strictObject({
  url: z.string(),
  status: z.int(),
  offers: z.array(
    z.strictObject({
      price: amount,
      exact: z.boolean().describe('False: it is the most that can be taken.'),
      fee_most: amount.optional(),
      deposit: amount.optional(),
      method: z.string(),
      network: z.string(),
      payees: z.array(z.string()),
      decision: z.enum(['allow', 'ask', 'deny']),
      fits: z.boolean().describe('Whether every budget has room now.'),
      reasons: z.array(reason),
    }),
  ),
  unpayable: z.array(z.string()).describe('Why other offers cannot be paid.'),
})

const discover = z.strictObject({
  origin: z.string(),
  title: z.string().optional().describe("The server's own words, like every text here."),
  operations: z.array(
    z.strictObject({
      method: z.string(),
      path: z.string(),
      summary: z.string().optional(),
      offers: z.array(
        z.strictObject({
          method: z.string(),
          price: amount.optional(),
          payable: z.boolean().describe('Whether a wallet here pays it.'),
          decision: z.enum(['allow', 'ask', 'deny']).optional(),
        }),
      ),
    }),
  ),
  sources: z.array(z.string()),
  problems: z.array(z.string()),
})

const freeze = z.strictObject({ frozen: z.boolean(), why: z.string().optional() })

const recover = z.strictObject({
  settled: z.int(),
  released: z.int(),
  open: z.int().describe('Payments still in doubt.'),
  fees: z.int(),
  unseen: z
    .array(z.strictObject({ wallet: z.string(), payments: z.int() }))
    .describe('Payments that no wallet here can look at, and the wallet that could.'),
})

const resolve = z.strictObject({ id: z.string(), state: z.string() })

const closed = z.strictObject({
  id: z.string(),
  vendor: z.string(),
  state: z.string(),
  unspent: amount.describe('The part of the deposit that comes back.'),
  error: z.string().optional().describe('Why it could not be closed.'),
})

const vendor = z.strictObject({
  origin: z.string(),
  file: z.string(),
  lines: z.array(z.string()).describe('The changed lines of the policy, with + and -.'),
})

const finding = z.strictObject({
  check: z.string(),
  level: z.enum(['ok', 'warn', 'fail']),
  message: z.string(),
  fix: z.string().optional().describe('The command that mends it.'),
})

const doctor = z.strictObject({ failed: z.int(), findings: z.array(finding) })

const init = z.strictObject({
  network: z.enum(['testnet', 'mainnet', 'local']),
  folder: z.string(),
  address: z.string().optional().describe('The address of the new key.'),
  type: z.enum(['p256', 'secp256k1']).optional().describe('The kind of the new key.'),
  files: z.array(
    z.strictObject({ name: z.string(), path: z.string(), made: z.boolean().describe('False: it existed.') }),
  ),
  findings: z.array(finding).describe('What the check of `purser doctor` found.'),
})

const accessKey = z.strictObject({
  key: z.string(),
  state: z.enum(['authorized', 'expired', 'revoked', 'unknown']),
  type: z.string(),
  limited: z.boolean().describe('False: it may spend everything.'),
  left: z.array(amount),
  expires: time.optional(),
})

/** The schemas of the commands that pay, stop and set up. */
export const PAY = {
  fetch,
  quote,
  discover,
  freeze,
  unfreeze: freeze,
  recover,
  resolve,
  'sessions close': closed,
  init,
  doctor,
  'keys create': z.strictObject({
    path: z.string(),
    address: z.string(),
    type: z.enum(['p256', 'secp256k1']),
  }),
  'keys list': accessKey,
  'keys authorize': z.strictObject({
    account: z.string(),
    key: z.string(),
    expires: time,
    reference: z.string(),
  }),
  'keys renew': z.strictObject({
    account: z.string(),
    key: z.string().describe('The new key.'),
    type: z.enum(['p256', 'secp256k1']),
    expires: time.optional(),
    path: z.string().describe('The file of the key.'),
    revoked: z.string().describe('The old key.'),
  }),
  'keys revoke': z.strictObject({ key: z.string(), reference: z.string() }),
  'vendor add': vendor.extend({ operations: z.int().describe('Paid operations that it advertises.') }),
  'vendor remove': vendor,
} as const
