import type { Reason } from '../../errors/index.js'
import type { Instant } from '../../money/index.js'
import {
  type Challenge,
  type Echo,
  type Problem,
  parsePaymentResponse,
  parseProblem,
  parseReceipt,
  type Receipt,
  type ReplyInfo,
  settlementProblem,
  x402Problem,
} from '../../protocol/index.js'
import { own } from '../../util/objects.js'
import { type Head, isRedirect, mayHoldProblem } from '../head.js'
import { paysItself } from './carrier.js'
import { mayAskInBody, noOffers, offersInBody, offersInHead, together } from './offers.js'

/** What a reply says about money; `asks` still lacks where it came from. */
export type ReplyReading =
  | Omit<Extract<ReplyInfo, { kind: 'payment-required' }>, 'at'>
  | Exclude<ReplyInfo, { readonly kind: 'payment-required' }>

/** What a reply answers: a credential, by its envelope, or a note without one. Undefined: the caller's own request. */
export type Answers = Echo['envelope'] | 'note' | undefined

/** What a reply is read beside. */
export interface ReadContext {
  /** Where it came from: a relative `Location` stands on it, and its host is the realm of x402. */
  readonly url: string
  readonly now: () => Instant
  readonly answers: Answers
  /** A header of the caller's own request. */
  readonly own: (name: string) => string | undefined
  /** Does a wallet here pay offers of this kind? */
  readonly pays: (kind: Challenge['kind']) => boolean
  /** The body, within bounds; it stays readable. */
  readonly text: () => Promise<string | undefined>
}

/** Reads a reply: its head, and of its body no more than may speak of money. */
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
  const problem = problemOf({ answers, receipt, text })
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

/** A sign-in moves no money, so that no server writes a receipt for it: that it was let in is all there is to say. */
const SIGNED_IN: Receipt = Object.freeze({ success: true, method: 'x402', claims: Object.freeze({}) })

async function asked(
  head: Head,
  receipt: Receipt | undefined,
  { url, answers, own, pays, text: read }: ReadContext,
): Promise<Pick<Extract<ReplyInfo, { kind: 'payment-required' }>, 'offers' | 'reasons' | 'problem'>> {
  // The caller pays for this request: what comes back for that is the caller's.
  if (paysItself(own)) return { offers: [], reasons: [CALLER_PAYS] }
  const inHead = offersInHead(head, url)
  const looks = mayAskInBody(head, inHead, pays)
  const text = looks || (answers !== undefined && mayHoldProblem(head)) ? await read() : undefined
  const all = looks && isObject(text) ? together(inHead, offersInBody(text, url)) : inHead
  const problem = answers === undefined ? undefined : problemOf({ answers, receipt, error: all.error, text })
  const more = problem === undefined ? {} : { problem }
  if (isPending(receipt)) return { offers: [], reasons: [PENDING], ...more }
  const { offers, reasons } = all
  if (offers.length + reasons.length === 0) return { offers, reasons: [noOffers(head)], ...more }
  return { offers, ...(reasons.length === 0 ? {} : { reasons }), ...more }
}

/** Whatever is no JSON object was not meant as an offer, and a problem by RFC 9457 says nothing of x402. */
function isObject(text: string | undefined): text is string {
  return text !== undefined && /^\s*\{/.test(text) && text.includes('"x402Version"')
}

const CALLER_PAYS: Reason = Object.freeze({
  rule: 'caller_payment',
  message: 'The request carries a payment of its own, so Purser adds no second one.',
})

const PENDING: Reason = Object.freeze({
  rule: 'settlement_pending',
  message: 'The server says that the earlier payment is still being settled, so Purser signs no second one.',
})

/** The money may be on its way: whatever is offered beside that, this is no moment to sign again. */
function isPending(receipt: Receipt | undefined): boolean {
  return receipt?.method === 'x402' && receipt.claims['errorReason'] === 'settlement_pending'
}

/** A server that speaks both protocols says both: what counts is the word of the one that was paid in. */
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

/** Why a credential was not taken: in x402's codes where it has one, else as the body's problem, else in its words. */
function problemOf(said: {
  readonly answers: Answers
  readonly receipt: Receipt | undefined
  readonly error?: string | undefined
  readonly text: string | undefined
}): Problem | undefined {
  const { answers, receipt, error, text } = said
  const x402 =
    (receipt && settlementProblem(receipt)) ?? (error === undefined ? undefined : x402Problem(error))
  const body = text === undefined ? undefined : parseProblem(text)
  return answers === 'x402' && x402?.type !== 'about:blank' ? (x402 ?? body) : (body ?? x402)
}

/** `Date`, and how long ago a cache got it (RFC 9110, section 6.6.1; RFC 9111, section 5.1). */
function dateOf(head: Head): { readonly date?: Instant } {
  const date = Date.parse(head.header('date') ?? '')
  const age = /^\d{1,9}$/.exec(head.header('age')?.trim() ?? '0')
  return Number.isNaN(date) || age === null ? {} : { date: date + Number(age[0]) * 1000 }
}

/** `Retry-After` as a moment (RFC 9110, section 10.2.3): seconds, or a date. */
function retryAtOf(head: Head, now: () => Instant): Instant | undefined {
  const said = head.header('retry-after')?.trim()
  if (said === undefined) return undefined
  if (/^\d{1,9}$/.test(said)) return now() + Number(said) * 1000
  const at = Date.parse(said)
  return Number.isNaN(at) ? undefined : at
}
