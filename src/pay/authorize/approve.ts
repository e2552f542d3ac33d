import { clean, isPaymentError, type PaymentRefusedError, type Reason } from '../../errors/index.js'
import type { PaymentId } from '../../ledger/index.js'
import { type Amount, count, type Instant } from '../../money/index.js'
import { noWorse, railOf } from '../../policy/index.js'
import type { Challenge } from '../../protocol/index.js'
import { ONCE, own } from '../../util/objects.js'
import type { CallContext } from '../env.js'
import { constraintsOf, holdOf, type OfferPurchase, type Purchase, requestOffers } from '../purchase.js'
import { reasonOf, refused } from '../refusal.js'
import { deny } from '../transition.js'
import type {
  Admission,
  ApprovalAnswer,
  ApprovalQuestion,
  ApprovalRequest,
  EndQuestion,
  Remember,
} from './approval-queue.js'
import { type Candidate, evaluateSource, type QuoteSource } from './candidates.js'

/**
 * How long a denial is valid for the same terms. An agent that repeats its request is no reason to ask a person again.
 */
const DENIAL_STANDS_MS = 10 * 60_000

/** If a challenge expires sooner than this, Purser asks the server for another one. */
const NEARLY_EXPIRED_MS = 5_000

/** A payment that a person is asked about. */
interface Question {
  readonly id: PaymentId
  readonly candidate: Candidate
  /** Ends the question, after the answer was recorded. */
  readonly end: EndQuestion
}

/**
 * Asks a person while the budget is held. The answer is bound to these terms: the approved offer is judged again, on a
 * new challenge if the first one expired, and may be no worse in any field.
 *
 * @throws PaymentRefusedError if the answer is no, late or invalid, or if the offer got worse.
 */
export async function approve(question: Question, purchase: Purchase): Promise<Candidate> {
  const { id, candidate, end } = question
  const { env, call } = purchase
  const { timeoutMs } = env.policy.approvalSettings(call.context)
  const asked = await ask(requestOf(question, env.clock.now() + timeoutMs, purchase), timeoutMs, purchase)
  call.signal?.throwIfAborted()
  const { answer } = asked
  env.emitter.emit('approval', {
    payment: id,
    approved: answer?.approved === true,
    ...(answer === undefined ? {} : { by: answer.by }),
  })
  if (answer === undefined) {
    if (asked.thrown !== undefined) env.emitter.emit('error', { ...asked.thrown, during: 'approver' })
    end(asked.reason)
    throw unanswered(candidate, asked.reason)
  }
  if (!answer.approved) {
    await recordDenial(question, answer.by, purchase)
    end('answered')
    throw notApproved(candidate, `${clean(answer.by)} did not approve this payment.`)
  }
  await rememberApproval(candidate, purchase, answer)
  end('answered')
  return { ...(await refreshed(question, purchase)), approvedBy: clean(answer.by) }
}

const NO_ANSWER = {
  nobody: 'This payment needs an approval, and nobody is there to give one.',
  late: 'This payment needs an approval, and nobody answered in time.',
  failed: 'This payment needs an approval, and asking for it failed.',
  nonsense: 'This payment needs an approval, and the answer was not one.',
} as const

/**
 * The refusal after a question without an answer: this one, or one about the same request on terms that were no worse.
 */
export function unanswered(candidate: Candidate, reason: keyof typeof NO_ANSWER): PaymentRefusedError {
  return notApproved(candidate, NO_ANSWER[reason])
}

function notApproved({ decision }: Candidate, message: string): PaymentRefusedError {
  const reasons: Reason[] = [...decision.reasons, { rule: 'approval', message }]
  return refused(reasons)
}

function requestOf(
  { id, candidate: { quote, decision } }: Question,
  expires: Instant,
  purchase: Purchase,
): ApprovalRequest {
  const { agent, tasks, tool } = purchase.call.context
  const { words } = quote.challenge
  return Object.freeze({
    payment: id,
    agent,
    tasks,
    ...(tool === undefined ? {} : { tool }),
    resource: purchase.at,
    terms: quote.terms,
    reasons: decision.reasons,
    expires,
    ...(words === undefined ? {} : { serverSays: words }),
  })
}

/** The reason if the limit of open questions is reached, so that no person is asked. */
export function tooManyQuestions(
  { rule, limit }: Extract<Admission, { kind: 'full' }>,
  { agent, vendor }: Pick<ApprovalQuestion, 'agent' | 'vendor'>,
): Reason {
  const whose = rule === 'perVendor' ? `about ${vendor}` : `of ${agent === '' ? 'this caller' : agent}`
  return {
    rule: `approval.${rule}`,
    limit: `${limit}`,
    message: `This payment needs an approval, and ${limit} questions ${whose} wait for a person already: answer those first, or raise \`approval.${rule}\`.`,
  }
}

/** Records a denial: until it expires, the same terms are refused without asking. */
async function recordDenial({ id, candidate }: Question, by: string, purchase: Purchase): Promise<void> {
  const { lane: _, ...request } = holdOf(id, candidate, purchase)
  const reason = `not approved by ${clean(by)}`
  await deny(request, { reason, standsMs: DENIAL_STANDS_MS }, purchase.env)
}

async function rememberApproval(
  { quote }: Candidate,
  { env, call, at }: Purchase,
  { by, remember }: Extract<ApprovalAnswer, { approved: true }>,
): Promise<void> {
  if (remember === undefined) return
  const upTo = count(remember.upTo, env.policy.unit)
  const total = count(remember.total, env.policy.unit)
  // Amounts that have no value in the policy's unit limit nothing, so they are not remembered.
  if (upTo === undefined || total === undefined) return
  await env.ledger.grant({
    id: env.newId(),
    agent: call.context.agent,
    vendor: at.vendor,
    rail: railOf(quote.terms),
    by,
    until: remember.until,
    unit: env.policy.unit,
    upTo,
    total,
    payees: quote.terms.payees.map((payee) => payee.id),
  })
}

type Judged = Pick<Candidate, 'quote' | 'decision'>

/** Whether an approval covers a candidate: its terms are no worse, and the same request was not bought meanwhile. */
export function isCovered({ quote, decision }: Judged, approved: Judged): boolean {
  const last = decision.repeat?.last
  const isNew = last !== undefined && last !== approved.decision.repeat?.last
  return !isNew && noWorse(quote.terms, approved.quote.terms)
}

/** The approved candidate as it is now: with the budgets of this moment and a challenge that has not expired. */
async function refreshed({ id, candidate }: Question, purchase: Purchase): Promise<Candidate> {
  const { challenge } = candidate.quote
  const source = await freshSource(challenge, purchase)
  const { ranked } = await evaluateSource(source, purchase, constraintsOf(id, purchase))
  const fresh = ranked.find(
    ({ quote, wallet, decision }) =>
      wallet === candidate.wallet &&
      decision.effect !== 'deny' &&
      purchase.need?.fits(quote) !== false &&
      isCovered({ quote, decision }, candidate),
  )
  if (fresh === undefined)
    throw refused(
      [
        ...ranked.flatMap(({ decision }) => decision.reasons),
        { rule: 'approval', message: 'What was approved is no longer offered on terms as good.' },
      ],
      { code: 'approval_lapsed' },
    )
  if (purchase.kind === 'offers' && fresh.quote.challenge.id !== challenge.id)
    await checked(fresh.quote.challenge, purchase)
  return fresh
}

/** The approved offer, to be quoted once more. If its challenge expires soon, the server is asked for another one. */
async function freshSource(challenge: Challenge, purchase: Purchase): Promise<QuoteSource> {
  if (purchase.kind === 'operation') return purchase
  const expired =
    challenge.expires !== undefined && challenge.expires <= purchase.env.clock.now() + NEARLY_EXPIRED_MS
  return { kind: 'offers', offers: expired ? await requestOffers(purchase) : [challenge] }
}

/** If the request cannot carry a new challenge, the offer has lapsed, which is no mistake of the caller. */
async function checked(challenge: Challenge, purchase: OfferPurchase): Promise<void> {
  try {
    await purchase.exchange.check(challenge, purchase.at)
  } catch (cause) {
    if (!isPaymentError(cause)) throw cause
    throw refused([reasonOf(cause)], { code: cause.code, cause })
  }
}

/** A valid answer, or why there is none. */
type Asked =
  | { readonly answer: ApprovalAnswer }
  | {
      readonly answer?: never
      readonly reason: 'nobody' | 'late' | 'failed' | 'nonsense'
      /** What the approver threw. */
      readonly thrown?: { readonly error: unknown }
    }

/** An object whose properties are not checked yet. */
type Loose<Name extends string> = { readonly [N in Name]?: unknown }

/** Reads an answer. Undefined if it is not valid. */
function readAnswer(value: unknown): ApprovalAnswer | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // Only own properties count: an inherited `approved` approves nothing.
  const { approved, by, note, remember }: Loose<'approved' | 'by' | 'note' | 'remember'> = own(value)
  if (typeof by !== 'string' || by === '') return undefined
  const words = typeof note === 'string' ? { note } : {}
  if (approved === false) return own({ approved, by, ...words })
  if (approved !== true) return undefined
  if (remember === undefined) return own({ approved, by, ...words })
  const read = readRemember(remember)
  return read === undefined ? undefined : own({ approved, by, ...words, remember: read })
}

function readRemember(value: unknown): Remember | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { until, upTo, total }: Loose<'until' | 'upTo' | 'total'> = own(value)
  if (typeof until !== 'number' || !Number.isFinite(until)) return undefined
  return isAmount(upTo) && isAmount(total) ? { until, upTo, total } : undefined
}

function isAmount(value: unknown): value is Amount {
  if (typeof value !== 'object' || value === null) return false
  const { value: parts, currency }: Loose<'value' | 'currency'> = own(value)
  return typeof parts === 'bigint' && parts >= 0n && typeof currency === 'object' && currency !== null
}

/** Asks a person. Waits no longer than until the request expires or the caller aborts. */
async function ask(
  request: ApprovalRequest,
  timeoutMs: number,
  { env: { approver }, call: { signal } }: CallContext,
): Promise<Asked> {
  if (approver === undefined) return own({ reason: 'nobody' })
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), timeoutMs)
  const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal])
  try {
    // A signal that is aborted already fires no event.
    either.throwIfAborted()
    const given = new Promise<never>((_, reject) => {
      either.addEventListener('abort', () => reject(either.reason), ONCE)
    })
    // Called inside an async function, so that an approver that throws rejects.
    const answer = readAnswer(await Promise.race([(async () => approver(request, either))(), given]))
    return own(answer === undefined ? { reason: 'nonsense' } : { answer })
  } catch (error) {
    // An approver that throws approves nothing. The payment flow reports the caller's own abort.
    return own(
      either.aborted
        ? { reason: late.signal.aborted ? 'late' : 'failed' }
        : { reason: 'failed', thrown: { error } },
    )
  } finally {
    clearTimeout(timer)
    late.abort()
  }
}
