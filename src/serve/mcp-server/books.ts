import type { McpServer } from '@modelcontextprotocol/server'
import { clean } from '../../errors/index.js'
import type { Budget, Payment, PaymentQuery } from '../../index.js'
import { formatAmount, formatUnits } from '../../money/index.js'
import { resultOf } from './answer.js'
import { paymentFacts, reasonsOf, timeOf } from './facts.js'
import {
  BUDGETS_OUTPUT,
  FREEZE_INPUT,
  FREEZE_OUTPUT,
  NO_INPUT,
  PAYMENT_INPUT,
  PAYMENT_OUTPUT,
  PAYMENTS_INPUT,
  PAYMENTS_OUTPUT,
  type PaymentsInput,
} from './schemas.js'
import type { Toolbox } from './toolbox.js'

const READS = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
} as const
const LISTED = 20

/** Registers the tools that read the ledger, and the tool that stops payments. None of them spends. */
export function registerBooks(server: McpServer, toolbox: Toolbox): void {
  server.registerTool(
    'budgets',
    {
      title: 'Budgets',
      description:
        'Every budget of the policy: its limit, what is spent, held and left, and when it resets. Spends nothing.',
      inputSchema: NO_INPUT,
      outputSchema: BUDGETS_OUTPUT,
      annotations: READS,
    },
    async () => {
      const budgets = await budgetFacts(toolbox)
      const lines = budgets.map(
        ({ rule, spent, held, left, limit, resets }) =>
          `${rule}: ${left} of ${limit} left (${spent} spent, ${held} held)${resets === undefined ? '' : `, resets ${resets}`}`,
      )
      return resultOf(lines.length === 0 ? 'The policy has no budget.' : lines.join('\n'), { budgets })
    },
  )
  registerPayments(server, toolbox)
  registerPayment(server, toolbox)
  server.registerTool(
    'freeze',
    {
      title: 'Stop all payments',
      description:
        'Stops every payment on this ledger, of all agents and programs, at once. Only a person can let payments go on. Use it if payments look wrong. Spends nothing.',
      inputSchema: FREEZE_INPUT,
      outputSchema: FREEZE_OUTPUT,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    async ({ why }) => {
      const reason = clean(why)
      await toolbox.purser.freeze(reason)
      return resultOf('All payments on this ledger are stopped. Only a person can let them go on.', {
        frozen: true,
        why: reason,
      })
    },
  )
}

/** Returns the budgets as data. */
export async function budgetFacts({ purser, symbol }: Toolbox) {
  return (await purser.budgets()).map((budget) => {
    const { rule, counts, limit, spent, held, remaining, resetsAt } = budget
    const text = (value: bigint): string =>
      counts === 'payments' ? value.toString() : formatUnits(value, symbol)
    return {
      rule,
      counts,
      scope: scopeOf(budget),
      limit: text(limit),
      spent: text(spent),
      held: text(held),
      left: text(remaining),
      resets: resetsAt === undefined ? undefined : timeOf(resetsAt),
    }
  })
}

function scopeOf({ scope }: Budget): Record<string, string> {
  return Object.fromEntries(
    Object.entries(scope).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, clean(value, 200)]] : [],
    ),
  )
}

function registerPayments(server: McpServer, toolbox: Toolbox): void {
  server.registerTool(
    'payments',
    {
      title: 'Payments',
      description:
        'The payments and refusals of this agent, newest first, with what happened to the money. Spends nothing.',
      inputSchema: PAYMENTS_INPUT,
      outputSchema: PAYMENTS_OUTPUT,
      annotations: READS,
    },
    async (input) => {
      const { limit = LISTED } = input
      const found = await paymentsFrom(toolbox, input, limit + 1)
      const payments = found.slice(0, limit).map(paymentFacts)
      const last = found[limit - 1]
      const next = found.length > limit && last !== undefined ? `${last.createdAt}.${last.id}` : undefined
      const lines = payments.map(
        ({ at, vendor, operation, price, state, id }) =>
          `${at} ${vendor} ${operation} ${price} ${state} (${id})`,
      )
      return resultOf(lines.length === 0 ? 'No payment matches.' : lines.join('\n'), { payments, next })
    },
  )
}

/** Returns payments of this agent after the cursor. Their ids order payments of the same millisecond. */
async function paymentsFrom(
  { purser, agent }: Toolbox,
  { states, vendor, since, cursor }: PaymentsInput,
  most: number,
): Promise<readonly Payment[]> {
  const [, time, id] = /^(\d{1,16})\.(.+)$/.exec(cursor ?? '') ?? []
  if (cursor !== undefined && time === undefined)
    throw new TypeError('cursor must be `next` of an earlier answer')
  const query: PaymentQuery = {
    agent,
    ...(states === undefined ? {} : { states }),
    ...(vendor === undefined ? {} : { vendor }),
    ...(since === undefined ? {} : { from: Date.parse(since) }),
    ...(time === undefined ? {} : { to: Number(time) + 1 }),
  }
  const found: Payment[] = []
  let skipping = id !== undefined
  for await (const payment of purser.payments(query)) {
    if (skipping && payment.createdAt < Number(time)) skipping = false
    if (!skipping) found.push(payment)
    else if (payment.id === id) skipping = false
    if (found.length === most) break
  }
  return found
}

function registerPayment(server: McpServer, toolbox: Toolbox): void {
  server.registerTool(
    'payment',
    {
      title: 'One payment',
      description:
        'The story of one payment of this agent: why it was allowed, what was signed, what became of the money. Spends nothing.',
      inputSchema: PAYMENT_INPUT,
      outputSchema: PAYMENT_OUTPUT,
      annotations: READS,
    },
    async ({ id }) => {
      const payment = await findPayment(toolbox, id)
      if (payment === undefined)
        return resultOf('This agent has no payment with this id.', {}, { failed: true })
      const { says, ...story } = storyOf(payment)
      return resultOf(says, story)
    },
  )
}

/** Returns a payment of this agent. Undefined for a payment of another agent. */
export async function findPayment({ purser, agent }: Toolbox, id: string): Promise<Payment | undefined> {
  for await (const payment of purser.payments({ id, agent })) return payment
  return undefined
}

/** Returns a payment with its decision and attempts. */
export function storyOf(payment: Payment) {
  const facts = paymentFacts(payment)
  const { effect, reasons, attempts, receipts, rejection } = payment
  const words = [rejection?.title, rejection?.detail].filter((one) => one !== undefined).join(': ')
  return {
    says: `${facts.price} to ${facts.vendor} for ${facts.operation}: ${facts.state}, money ${facts.funds}, ${facts.delivered ? 'delivered' : 'not delivered'}.`,
    payment: facts,
    effect,
    reasons: reasonsOf(reasons),
    attempts: attempts.map(({ at, terms, void: voided }) => ({
      at: timeOf(at),
      kind: clean(terms.kind, 60),
      price: formatAmount(terms.most),
      void: voided === undefined ? undefined : clean(voided),
    })),
    receipts: receipts.length,
    rejection: rejection === undefined ? undefined : clean(`${rejection.status} ${words}`),
  }
}
