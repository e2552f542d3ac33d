import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'
import { clean, PaymentError, type Reason } from '../errors/index.js'
import {
  CALLER_PAYS,
  type Challenge,
  type Echo,
  isPaymentRequired,
  isSettlementPending,
  META,
  objectIn,
  type Problem,
  parseChallengeObjects,
  parsePaymentRequiredObject,
  problemIn,
  type Receipt,
  type ReplyInfo,
  receiptInMeta,
  rejectionProblem,
  SETTLEMENT_PENDING,
  type ToolResource,
  unreadableOffer,
} from '../protocol/index.js'
import { isObject, own } from '../util/objects.js'
import { CODES, paidByCaller } from './meta.js'
import { member, type RpcRequest, type RpcResponse } from './types.js'

export { credentialMeta } from '../protocol/index.js'

/** What a reply is read beside. */
export interface ReadContext {
  readonly request: RpcRequest
  readonly resource: ToolResource
  /** The envelope of the credential that the reply answers. Undefined: the caller's own request. */
  readonly answers: Echo['envelope'] | undefined
}

/** A demand for payment: where its offers are, and what the server says about an earlier credential. */
interface Demand {
  readonly challenges: unknown
  /** The x402 demand, if there is one. */
  readonly x402: unknown
  readonly problem: Problem | undefined
}

/** The length limit of a text block that may hold an x402 demand, in characters. */
const LONGEST_TEXT = 64 * 1024
/** How an SDK server shows an error that was thrown inside a tool. */
const FLATTENED = /^MCP error -3204[23]\b/

const NO_OFFERS: Reason = Object.freeze({
  rule: 'protocol',
  message: 'The answer asks for a payment, but it holds no offer of the Payment scheme or of x402.',
})

/** Reads the payment information of an answer. */
export function readReply(reply: RpcResponse, context: ReadContext): ReplyInfo {
  const { answers, resource, request } = context
  const { result, error } = reply
  const receipt = receiptOf(reply, answers)
  const demand = error === undefined ? demandInResult(result, answers) : demandInError(error, answers)
  if (demand !== undefined) {
    const asked = paidByCaller(request)
      ? { offers: [], reasons: [CALLER_PAYS] }
      : offersOf(demand, receipt, context)
    return own({ kind: 'payment-required' as const, at: resource, ...asked, ...(receipt && { receipt }) })
  }
  const ok = error === undefined && result !== undefined && member(result, 'isError') !== true
  const problem =
    ok || answers === undefined ? undefined : rejectionProblem({ answers, receipt, problem: wordsIn(reply) })
  const status = ok ? 200 : statusOf(error)
  return own({
    kind: 'response' as const,
    ok,
    status,
    ...(receipt && { receipt }),
    ...(problem && { problem }),
  })
}

/** The identity of a request: the same for the same call in any process. Metadata of a call does not belong to it. */
export function fingerprintOf({ transport, vendor }: ToolResource, { method, params }: RpcRequest): string {
  const bare = isObject(params) ? { ...params, _meta: undefined } : params
  let text: string | undefined
  try {
    text = canonicalize({ transport, vendor, method, params: bare })
  } catch (cause) {
    // Numbers out of range and lone surrogates have no canonical form.
    throw new PaymentError('not_replayable', 'untouched', 'The arguments of the call are not plain JSON', {
      cause,
    })
  }
  return bytesToHex(sha256(utf8ToBytes(text ?? '')))
}

function demandInError(
  { code, data, message }: NonNullable<RpcResponse['error']>,
  answers: ReadContext['answers'],
) {
  const challenges = member(data, 'challenges')
  const x402 = [member(data, 'x402'), code === CODES.x402 ? data : undefined].find(isPaymentRequired)
  const rejects = code === CODES.rejected || (code === CODES.invalidParams && answers !== undefined)
  // URL elicitation has the number of a demand for payment. It has no challenges.
  const asks = code === CODES.required || code === CODES.x402
  if (!rejects && !(asks && (Array.isArray(challenges) || x402 !== undefined))) return undefined
  return { challenges, x402, problem: problemIn(data, 'problem') ?? failureIn(data) ?? wordsOf(message) }
}

function demandInResult(result: unknown, answers: ReadContext['answers']): Demand | undefined {
  const required = member(member(result, '_meta'), META.paymentRequired)
  const failed = member(result, 'isError') === true
  const x402 = failed ? x402In(result) : undefined
  const text = failed ? firstText(result) : undefined
  const rejected = answers !== undefined && text !== undefined && FLATTENED.test(text)
  const challenges = member(required, 'challenges')
  if (!Array.isArray(challenges) && x402 === undefined && !rejected) return undefined
  const beside = member(required, 'x402')
  return {
    challenges,
    x402: x402 ?? (isPaymentRequired(beside) ? beside : undefined),
    problem: problemIn(required, 'problem') ?? failureIn(required) ?? (rejected ? wordsOf(text) : undefined),
  }
}

/** A tool's x402 demand: in the structured content, or as the whole first text. */
function x402In(result: unknown): unknown {
  const structured = member(result, 'structuredContent')
  if (isPaymentRequired(structured)) return structured
  const text = firstText(result)
  if (text === undefined || text.length > LONGEST_TEXT || !text.startsWith('{')) return undefined
  try {
    const parsed: unknown = JSON.parse(text)
    return isPaymentRequired(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

function firstText(result: unknown): string | undefined {
  const content = member(result, 'content')
  const text = Array.isArray(content) ? member(content[0], 'text') : undefined
  return typeof text === 'string' ? text : undefined
}

type Asked = Pick<Extract<ReplyInfo, { kind: 'payment-required' }>, 'offers' | 'reasons' | 'problem'>

function offersOf(
  { challenges, x402, problem }: Demand,
  receipt: Receipt | undefined,
  context: ReadContext,
): Asked {
  const { answers, resource } = context
  const mpp = parseChallengeObjects(challenges)
  const other = x402 === undefined ? undefined : parsePaymentRequiredObject(x402, resource.vendor)
  const why =
    answers === undefined ? undefined : rejectionProblem({ answers, receipt, error: other?.error, problem })
  if (isSettlementPending(receipt))
    return { offers: [], reasons: [SETTLEMENT_PENDING], ...(why && { problem: why }) }
  const reasons = [
    ...mpp.rejected.map(unreadableOffer('An offer of the Payment scheme')),
    ...(other?.rejected ?? []).map(unreadableOffer('An offer of x402')),
  ]
  const offers = different([...mpp.challenges, ...(other?.challenges ?? [])])
  if (offers.length + reasons.length === 0) reasons.push(NO_OFFERS)
  return { offers, ...(reasons.length > 0 && { reasons }), ...(why && { problem: why }) }
}

/** Leaves out repeated offers, and sign-ins, which need HTTP. */
function different(offers: readonly Challenge[]): readonly Challenge[] {
  const seen = new Set<string>()
  return offers.filter(({ kind, id }) => {
    const name = JSON.stringify([kind, id])
    if (kind === 'x402/sign-in' || seen.has(name)) return false
    seen.add(name)
    return true
  })
}

function wordsIn({ result, error }: RpcResponse): Problem | undefined {
  return problemIn(error?.data, 'problem') ?? wordsOf(error?.message ?? firstText(result))
}

/** The `failure` of a rejection: a code and a sentence. */
function failureIn(data: unknown): Problem | undefined {
  const failure = objectIn(data, 'failure')
  if (failure === undefined) return undefined
  const { reason, detail } = failure
  const words = typeof detail === 'string' ? detail : reason
  return typeof words === 'string' ? wordsOf(words) : undefined
}

function wordsOf(text: unknown): Problem | undefined {
  if (typeof text !== 'string') return undefined
  const detail = clean(text)
  return detail === '' ? undefined : own({ type: 'about:blank', detail })
}

function receiptOf({ result, _meta }: RpcResponse, answers: ReadContext['answers']): Receipt | undefined {
  if (answers === undefined) return undefined
  return receiptInMeta(member(result, '_meta'), answers) ?? receiptInMeta(_meta, answers)
}

/** The HTTP status that the server names, or 500. */
function statusOf(error: RpcResponse['error']): number {
  const status = member(error?.data, 'httpStatus')
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599
    ? status
    : 500
}
