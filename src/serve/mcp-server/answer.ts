import type { CallToolResult } from '@modelcontextprotocol/server'
import {
  clean,
  type Funds,
  fundsOf,
  isPaymentError,
  type PaymentError,
  type Reason,
} from '../../errors/index.js'
import type { Outcome, Payment } from '../../index.js'
import { formatAmount } from '../../money/index.js'
import type { OpenQuestion } from './approvals.js'
import { paymentFacts, reasonsOf, timeOf } from './facts.js'
import type { PaidFetchOutput } from './schemas.js'
import { quoteVendor } from './vendor-text.js'

/** The answer of `paid_fetch`: data and a sentence. */
export interface FetchAnswer {
  readonly output: PaidFetchOutput
  readonly says: string
}

/** Returns a tool result: a short text and the same content as data. Only a failed call is an error. */
export function resultOf(
  says: string,
  output: object,
  more: {
    readonly failed?: boolean | undefined
    readonly content?: CallToolResult['content'] | undefined
  } = {},
): CallToolResult {
  // JSON removes undefined members, also for a host in the same process.
  const structuredContent: Record<string, unknown> = JSON.parse(JSON.stringify(output))
  return {
    content: [{ type: 'text', text: says }, ...(more.content ?? [])],
    structuredContent,
    ...(more.failed === true ? { isError: true } : {}),
  }
}

export function fetchResult({ output, says }: FetchAnswer): CallToolResult {
  const { body, next, outcome } = output
  return resultOf(says, output, {
    failed: outcome === 'failed',
    content: [
      ...(body === undefined
        ? []
        : [{ type: 'text' as const, text: quoteVendor('body of the reply', body) }]),
      ...(next === undefined
        ? []
        : [
            {
              type: 'resource_link' as const,
              uri: next,
              name: 'The next part of the body',
              mimeType: 'text/plain',
            },
          ]),
    ],
  })
}

/** Codes of errors that refuse a payment before any money moved. */
const REFUSALS: ReadonlySet<string> = new Set([
  'refused',
  'approval_lapsed',
  'frozen',
  'already_paid',
  'payment_in_doubt',
  'idempotency_conflict',
  'busy',
  'not_replayable',
  'digest_mismatch',
  'authorization_taken',
  'clock_jumped',
])

/** Returns the answer to a call that was not paid, with the reason. */
export function refusedAnswer(
  code: string,
  reasons: readonly Reason[],
  payment: Payment | undefined,
): FetchAnswer {
  const funds = payment === undefined ? 'untouched' : fundsOf(payment)
  const texts = [...new Set(reasons.map(({ message }) => message))]
  return {
    output: {
      outcome: 'refused',
      funds,
      payment: payment === undefined ? undefined : paymentFacts(payment),
      refusal: { code, reasons: reasonsOf(reasons) },
    },
    says: `Refused, ${paid(funds)} ${texts.join(' ')} Only the person who runs Purser can change the policy.`,
  }
}

function paid(funds: Funds): string {
  if (funds === 'untouched') return 'and nothing was paid for this call.'
  return `and this call paid nothing. An earlier payment for the same request is ${funds}.`
}

/** Returns the answer to an error of a purser or of `fetch`. */
export function errorAnswer(error: unknown, outcome: Outcome | undefined): FetchAnswer {
  if (!isPaymentError(error)) {
    const message = error instanceof Error ? messageOf(error) : 'The call failed.'
    return failed('network', 'untouched', `${message} Nothing was paid.`)
  }
  const payment = outcome === undefined || !('live' in outcome) ? undefined : outcome
  if (REFUSALS.has(error.code) && (error.name === 'PaymentRefusedError' || error.funds === 'untouched'))
    return refusedAnswer(error.code, reasonsBehind(error), payment)
  return failed(error.code, error.funds, `${error.message} ${MONEY[error.funds]}`, payment)
}

const MONEY: Readonly<Record<Funds, string>> = {
  untouched: 'No money moved.',
  held: 'Budget is held; nothing was signed.',
  committed: 'The payment is under way. Do not repeat the call; look at it with the tool payment.',
  settled: 'The money has moved. Do not repeat the call; tell the person.',
  unknown:
    'The money may have moved, and it counts as spent. Do not repeat the call; look at it with the tool payment.',
}

function reasonsBehind({ reasons, code, message }: PaymentError): readonly Reason[] {
  return reasons.length > 0 ? reasons : [{ rule: code, message }]
}

export function failed(code: string, funds: Funds, message: string, payment?: Payment): FetchAnswer {
  const output: PaidFetchOutput = {
    outcome: 'failed',
    funds,
    payment: payment === undefined ? undefined : paymentFacts(payment),
    error: { code, message: clean(message, 600) },
  }
  return { output, says: clean(message, 600) }
}

/**
 * Returns the message of an error with its cause. `fetch` puts the reason into `cause`; `fetch failed` alone does not
 * help.
 */
function messageOf(error: Error): string {
  const { cause } = error
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause ? ` (${String(cause.code)})` : ''
  return `The call failed: ${clean(error.message)}${code}.`
}

/**
 * Returns the answer to a call that waits for a person.
 *
 * @param again - Names the call to make again, as the start of a sentence.
 */
export function pendingAnswer(
  { request: { payment, terms, reasons, expires, resource } }: OpenQuestion,
  how: string,
  again: string,
): FetchAnswer {
  const fee = terms.fee === undefined ? '' : ` and a fee of at most ${formatAmount(terms.fee.bound)}`
  const price = `${formatAmount(terms.most)}${fee}`
  const why = reasons.map(({ message }) => message)
  return {
    output: {
      outcome: 'approval_pending',
      funds: 'held',
      approval: { id: payment, expires: timeOf(expires), price, why, how },
    },
    says: [
      `Waiting for a person: ${price} to ${resource.vendor} needs an approval (id ${payment}). Nothing was paid yet.`,
      ...why,
      how,
      `${again} with the same arguments until ${timeOf(expires)}: it goes on after the yes, and pays once.`,
    ].join(' '),
  }
}
