import type { Instant } from '../../money/index.js'
import {
  CALLER_PAYS,
  type Challenge,
  type Echo,
  isSettlementPending,
  type Problem,
  parsePaymentResponse,
  parseProblem,
  parseReceipt,
  type Receipt,
  type ReplyInfo,
  rejectionProblem,
  SETTLEMENT_PENDING,
} from '../../protocol/index.js'
import { own } from '../../util/objects.js'
import { type Head, isRedirect, mayHoldProblem } from '../head.js'
import { paysItself } from './carrier.js'
import { mayAskInBody, noOffers, offersInBody, offersInHead, together } from './offers.js'

/** The payment information of a reply. A 402 still lacks its address. */
export type ReplyReading =
  | Omit<Extract<ReplyInfo, { kind: 'payment-required' }>, 'at'>
  | Exclude<ReplyInfo, { readonly kind: 'payment-required' }>

/**
 * The request that a reply answers: a credential, by its envelope, or a separate request without one. Undefined: the
 * caller's own request.
 */
export type Answers = Echo['envelope'] | 'note' | undefined

/** The context for reading a reply. */
export interface ReadContext {
  /** The URL of the reply. A relative `Location` is resolved against it, and its host is the realm of x402. */
  readonly url: string
  readonly now: () => Instant
  readonly answers: Answers
  /** A header of the caller's own request. */
  readonly own: (name: string) => string | undefined
  /** Whether a wallet here pays offers of this kind. */
  readonly pays: (kind: Challenge['kind']) => boolean
  /** The body, within limits. It stays readable. */
  readonly text: () => Promise<string | undefined>
}

/** Reads a reply: its head, and the body only if it may contain payment information. */
export async function readReply(head: Head, context: ReadContext): Promise<ReplyReading> {
  return own(await reading(head, context))
}

async function reading(head: Head, context: ReadContext): Promise<ReplyReading> {
  const { url, answers } = context
  const receipt = receiptOf(head, answers)
  const more = receipt ? { receipt } : {}
  const location = head.header('location')
  if (isRedirect(head.status) && location !== undefined) {
    const to = URL.canParse(location, url) ? new URL(location, url).href : undefined
    return { kind: 'redirect', ...(to === undefined ? {} : { to }), ...more }
  }
  if (head.status === 402)
    return { kind: 'payment-required', ...dateOf(head), ...(await asked(head, receipt, context)), ...more }
  const text = answers !== undefined && mayHoldProblem(head) ? await context.text() : undefined
  const problem = rejectionProblem({ answers, receipt, problem: problemIn(text) })
  const retryAt = retryAtOf(head, context.now)
  const ok = head.status >= 200 && head.status < 300
  return {
    kind: 'response',
    ok,
    status: head.status,
    ...(problem === undefined ? {} : { problem }),
    ...(answers === 'sign-in' && ok ? { receipt: SIGNED_IN } : more),
    ...(retryAt === undefined ? {} : { retryAt }),
  }
}

/** A sign-in moves no money, so no server writes a receipt for it. This one says that it was accepted. */
const SIGNED_IN: Receipt = Object.freeze({ success: true, method: 'x402', claims: Object.freeze({}) })

async function asked(
  head: Head,
  receipt: Receipt | undefined,
  { url, answers, own, pays, text: read }: ReadContext,
): Promise<Pick<Extract<ReplyInfo, { kind: 'payment-required' }>, 'offers' | 'reasons' | 'problem'>> {
  // The caller pays for this request, so the reply belongs to the caller.
  if (paysItself(own)) return { offers: [], reasons: [CALLER_PAYS] }
  const inHead = offersInHead(head, url)
  const looks = mayAskInBody(head, inHead, pays)
  const text = looks || (answers !== undefined && mayHoldProblem(head)) ? await read() : undefined
  const all = looks && isObject(text) ? together(inHead, offersInBody(text, url)) : inHead
  const problem =
    answers === undefined
      ? undefined
      : rejectionProblem({ answers, receipt, error: all.error, problem: problemIn(text) })
  const more = problem === undefined ? {} : { problem }
  if (isSettlementPending(receipt)) return { offers: [], reasons: [SETTLEMENT_PENDING], ...more }
  const { offers, reasons } = all
  if (offers.length + reasons.length === 0) return { offers, reasons: [noOffers(head)], ...more }
  return { offers, ...(reasons.length === 0 ? {} : { reasons }), ...more }
}

/** Whether a body may contain an offer: a JSON object of x402. A problem of RFC 9457 contains none. */
function isObject(text: string | undefined): text is string {
  return text !== undefined && /^\s*\{/.test(text) && text.includes('"x402Version"')
}

/** Reads the receipt. If a server sends one for each protocol, the one of the used protocol counts. */
function receiptOf(head: Head, answers: Answers): Receipt | undefined {
  const mpp = readWith(head, 'payment-receipt', parseReceipt)
  const x402 =
    readWith(head, 'payment-response', parsePaymentResponse) ??
    readWith(head, 'x-payment-response', parsePaymentResponse)
  return answers === 'x402' ? (x402 ?? mpp) : (mpp ?? x402)
}

function readWith(
  head: Head,
  name: string,
  parse: (value: string) => Receipt | undefined,
): Receipt | undefined {
  const value = head.header(name)
  return value === undefined ? undefined : parse(value)
}

function problemIn(text: string | undefined): Problem | undefined {
  return text === undefined ? undefined : parseProblem(text)
}

/** Reads `Date`, and adds the age of a cached reply (RFC 9110, section 6.6.1; RFC 9111, section 5.1). */
function dateOf(head: Head): { readonly date?: Instant } {
  const date = Date.parse(head.header('date') ?? '')
  const age = /^\d{1,9}$/.exec(head.header('age')?.trim() ?? '0')
  return Number.isNaN(date) || age === null ? {} : { date: date + Number(age[0]) * 1000 }
}

/** Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. */
function retryAtOf(head: Head, now: () => Instant): Instant | undefined {
  const said = head.header('retry-after')?.trim()
  if (said === undefined) return undefined
  if (/^\d{1,9}$/.test(said)) return now() + Number(said) * 1000
  const at = Date.parse(said)
  return Number.isNaN(at) ? undefined : at
}
