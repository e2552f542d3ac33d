import type { Payment, PaymentQuery, PaymentState } from '../../index.js'
import { listed, originOf } from '../ledger-reading.js'
import { STATES } from '../look-schemas.js'
import { misuse } from '../misuse.js'
import { given, type PaymentFact, paymentFact, stateOf } from '../payment-facts.js'
import { paymentsText } from '../payment-text.js'
import type { Action, CommonOptions } from '../shell.js'
import { timeOf } from '../times.js'

/** The options of `purser payments`. */
export interface PaymentsOptions extends CommonOptions {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly state?: readonly string[] | undefined
  readonly vendor?: string | undefined
  readonly agent?: string | undefined
  readonly task?: string | undefined
  readonly limit?: number | undefined
}

/** The number of payments that text shows if no limit is given. */
const SHOWN = 50

/** Lists payments and refusals, the newest first. */
export const payments: Action<PaymentsOptions> = async ({ options, terminal, format }) => {
  const now = Date.now()
  const { limit = format === 'text' ? SHOWN : Number.POSITIVE_INFINITY } = options
  const query = queryOf(options, now)
  const states = statesOf(options)
  const found = (most: number): AsyncGenerator<Payment> =>
    listed(options, terminal, ({ view }) => selected(view.payments(query), states, most))
  return {
    kind: 'rows',
    rows: factsOf(found(limit)),
    text: async (style) => {
      const rows: Payment[] = []
      // One more shows whether there are more.
      for await (const payment of found(limit + 1)) rows.push(payment)
      const text = paymentsText(rows.slice(0, limit), now, style)
      return rows.length <= limit
        ? text
        : `${text}\n${style.color('dim', `There are more: --limit ${limit * 2}`)}`
    },
  }
}

/** Returns the query of the options. The states are the ledger's: some of ours are a part of one of them. */
function queryOf({ since, until, vendor, agent, task, state }: PaymentsOptions, now: number): PaymentQuery {
  const states =
    state === undefined ? undefined : [...new Set(state.flatMap((name) => LEDGER_STATES[name] ?? []))]
  return given({
    from: since === undefined ? undefined : timeOf(since, '--since', now),
    to: until === undefined ? undefined : timeOf(until, '--until', now),
    vendor: vendor === undefined ? undefined : originOf(vendor),
    agent,
    task,
    states,
  })
}

const LEDGER_STATES: Readonly<Record<string, readonly PaymentState[]>> = {
  refused: ['denied'],
  waiting: ['held'],
  progress: ['held', 'committed'],
  held: ['held'],
  doubt: ['committed'],
  settled: ['settled'],
  undelivered: ['settled'],
  released: ['released'],
}

function statesOf({ state }: PaymentsOptions): ReadonlySet<string> | undefined {
  const unknown = state?.find((name) => !STATES.some((known) => known === name))
  if (unknown !== undefined)
    throw misuse(`There is no state ${JSON.stringify(unknown)}. States: ${STATES.join(', ')}`)
  return state === undefined ? undefined : new Set(state)
}

async function* selected(
  payments: AsyncIterable<Payment>,
  states: ReadonlySet<string> | undefined,
  limit: number,
): AsyncGenerator<Payment> {
  let left = limit
  for await (const payment of payments) {
    if (states !== undefined && !states.has(stateOf(payment))) continue
    if (left-- <= 0) return
    yield payment
  }
}

async function* factsOf(payments: AsyncIterable<Payment>): AsyncGenerator<PaymentFact> {
  for await (const payment of payments) yield paymentFact(payment)
}
