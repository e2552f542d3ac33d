import { clean, isPaymentError, type PaymentRefusedError, type Reason } from '../../errors/index.js'
import type { Approval, ApprovalId, Ledger, PaymentId, StoredAnswer } from '../../ledger/index.js'
import { count } from '../../money/index.js'
import { noWorse, railOf } from '../../policy/index.js'
import type { Challenge } from '../../protocol/index.js'
import { ONCE, own } from '../../util/objects.js'
import type { CallContext } from '../env.js'
import { constraintsOf, holdOf, type OfferPurchase, type Purchase, requestOffers } from '../purchase.js'
import { reasonOf, refused } from '../refusal.js'
import { deny } from '../transition.js'
import { PROOF_FAULTS, proofFault } from './approval-proof.js'
import { type ApprovalAnswer, type ApprovalRequest, readAnswer } from './approver.js'
import { type Candidate, evaluateSource, type QuoteSource } from './candidates.js'

/** If a challenge expires sooner than this, Purser asks the server for another one. */
const NEARLY_EXPIRED_MS = 5_000

/** A payment that a person is asked about. */
interface Question {
  readonly id: PaymentId
  readonly candidate: Candidate
  /** The question as the ledger stored it. */
  readonly approval: Approval
}

/** Whether answers from outside of this process count: if the user wants it, or if policy checks their signatures. */
export function takesOutsideAnswers({ env, call }: CallContext): boolean {
  return env.approvals === 'ledger' || env.policy.approvalSettings(call.context).by !== undefined
}

/** A candidate that a person has approved, as it is after the answer. */
export interface ApprovedCandidate {
  readonly now: Candidate
  readonly by: string
  readonly nonce: string | undefined
}

/**
 * Waits for a person's answer while the budget is held. The answer is bound to these terms: the approved offer is judged
 * again, on a new challenge if the first one expired, and may be no worse in any field.
 *
 * @throws PaymentRefusedError if the answer is no, late or invalid, or if the offer got worse.
 */
export async function approve(question: Question, purchase: Purchase): Promise<ApprovedCandidate> {
  const { candidate } = question
  const { env, call } = purchase
  const asked = await answerTo(question, purchase)
  call.signal?.throwIfAborted()
  const { approval } = asked
  const answer = approval?.answer
  env.emitter.emit('approval', {
    payment: question.id,
    approved: approval?.state === 'approved',
    ...(answer === undefined ? {} : { by: answer.by }),
    approval: approval ?? question.approval,
  })
  if (approval === undefined || answer === undefined) throw unanswered(candidate, asked.reason)
  if (!answer.approved) {
    await recordDenial(question, answer.by, purchase)
    throw notApproved(candidate, `${clean(answer.by)} did not approve this payment.`)
  }
  const { by, nonce } = await useAnswer(approval, candidate, purchase)
  return { now: { ...(await refreshed(question, purchase)), approvedBy: by }, by, nonce }
}

/**
 * Takes a yes that a person has given, after all checks that the ledger cannot make: it is for this request, for terms
 * that are no better, it is signed if policy names keys, and this process has not used it. If the yes is remembered,
 * further payments of this kind are approved too.
 *
 * @throws PaymentRefusedError if the yes does not count.
 */
export async function useAnswer(
  approval: Approval,
  candidate: Candidate,
  purchase: Purchase,
): Promise<Omit<ApprovedCandidate, 'now'>> {
  const { answer } = approval
  const { env, at, call } = purchase
  if (answer?.approved !== true || !isAbout(approval, candidate, purchase))
    throw unanswered(candidate, 'nonsense')
  const nonce = answer.proof?.nonce
  if ([approval.id, nonce].some((used) => used !== undefined && env.usedApprovals.has(used)))
    throw notApproved(candidate, PROOF_FAULTS.replayed)
  const { by: keys, timeoutMs } = env.policy.approvalSettings(call.context)
  if (keys === undefined) {
    await rememberApproval(approval.id, candidate, purchase, answer)
    return { by: clean(answer.by), nonce }
  }
  const { passkeys } = env
  const fault = await proofFault(approval, answer, { keys, timeoutMs, now: env.clock.now(), passkeys })
  if (fault === undefined) return { by: clean(answer.by), nonce }
  const message = `Somebody answered a question about ${at.vendor} without a valid signature: ${fault}`
  env.emitter.emit('anomaly', { kind: 'approval_not_valid', payment: approval.payment, message })
  throw notApproved(candidate, PROOF_FAULTS[fault])
}

/** Whether a question is about this request, and its terms are no better than the candidate's. */
function isAbout(
  { agent, resource, terms }: Approval,
  { quote }: Candidate,
  { at, call }: Purchase,
): boolean {
  return (
    agent === call.context.agent &&
    resource.vendor === at.vendor &&
    resource.operation === at.operation &&
    noWorse(quote.terms, terms)
  )
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

function requestOf({ id, approval }: Question, purchase: Purchase): ApprovalRequest {
  const { agent, tasks, tool, terms, reasons, expires, serverSays, budgets, termsHash } = approval
  return Object.freeze({
    id: approval.id,
    payment: id,
    agent,
    tasks,
    ...(tool === undefined ? {} : { tool }),
    resource: purchase.at,
    terms,
    reasons,
    expires,
    ...(serverSays === undefined ? {} : { serverSays }),
    ...(budgets === undefined ? {} : { budgets }),
    termsHash,
  })
}

/** Records the denied payment. The ledger refuses the same terms since the answer, without asking. */
async function recordDenial({ id, candidate }: Question, by: string, purchase: Purchase): Promise<void> {
  const { lane: _, ...request } = holdOf(id, candidate, purchase)
  await deny(request, { reason: `not approved by ${clean(by)}` }, purchase.env)
}

async function rememberApproval(
  id: ApprovalId,
  { quote }: Candidate,
  { env, call, at }: Purchase,
  { by, remember }: StoredAnswer,
): Promise<void> {
  if (remember === undefined) return
  const upTo = count(remember.upTo, env.policy.unit)
  const total = count(remember.total, env.policy.unit)
  // Amounts that have no value in the policy's unit limit nothing, so they are not remembered.
  if (upTo === undefined || total === undefined) return
  await env.ledger.grant({
    // Storing it again replaces it.
    id,
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

/** The question after it has ended, or why there is no answer. */
type Asked =
  | { readonly approval: Approval; readonly reason: NoAnswer }
  | { readonly approval?: never; readonly reason: NoAnswer }

type NoAnswer = keyof typeof NO_ANSWER

/**
 * Waits for the first answer: the one of this process's approver, or one that came by the ledger from outside. Waits no
 * longer than until the question expires or the caller aborts.
 */
async function answerTo(question: Question, purchase: Purchase): Promise<Asked> {
  const { env, call } = purchase
  const { id, expires } = question.approval
  const late = new AbortController()
  const { timeoutMs } = env.policy.approvalSettings(call.context)
  const left = Math.max(0, Math.min(timeoutMs, expires - env.clock.now()))
  const timer = setTimeout(() => late.abort(), left)
  const either = call.signal === undefined ? late.signal : AbortSignal.any([call.signal, late.signal])
  let ended: Approval['withdrawn'] | 'expired' = 'left'
  try {
    // A signal that is aborted already fires no event.
    either.throwIfAborted()
    const answered = env.ledger.untilApproval(id, ({ state }) => state !== 'waiting', either)
    // A failure of the approver ends the wait before the ledger does.
    answered.catch(() => undefined)
    const failure = askApprover(question, purchase, either)
    const asked = await Promise.race([answered, failureAlone(failure, either)])
    ended = undefined
    if (asked !== undefined && 'reason' in asked) {
      ended = asked.reason
      return own({ reason: asked.reason })
    }
    return asked === undefined ? own({ reason: 'failed' }) : own({ approval: asked, reason: 'late' })
  } catch (error) {
    if (!either.aborted) throw error
    if (late.signal.aborted) ended = 'expired'
    return own({ reason: late.signal.aborted ? 'late' : 'failed' })
  } finally {
    clearTimeout(timer)
    late.abort()
    const given = ended === undefined ? undefined : giveUp(id, ended, purchase)
    // A caller who has left waits for nothing, and the budget is given back next.
    if (ended !== 'left') await given
  }
}

/**
 * Ends the question that this call asked, because it does not wait any more. If people may answer from outside, the
 * question stays until it expires, and the next call for the same request gets the answer.
 */
async function giveUp(
  id: ApprovalId,
  why: Parameters<Ledger['withdraw']>[1],
  purchase: Purchase,
): Promise<void> {
  const { env } = purchase
  if (why === 'left' && takesOutsideAnswers(purchase)) return
  try {
    await env.ledger.withdraw(id, why)
  } catch (error) {
    // The question expires by itself.
    env.emitter.emit('error', { error, during: 'approver' })
  }
}

interface ApproverFailure {
  readonly reason: 'failed' | 'nonsense'
}

/** Resolves only if the approver has failed and nobody else can answer. */
async function failureAlone(
  asking: Promise<ApproverFailure | undefined>,
  signal: AbortSignal,
): Promise<ApproverFailure> {
  const failure = await asking
  return (
    failure ??
    new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason)
      else signal.addEventListener('abort', () => reject(signal.reason), ONCE)
    })
  )
}

/**
 * Asks the approver of this process, if it has one. Its answer goes to the ledger, where the first answer counts.
 *
 * @returns Why there is no answer. Undefined if there is one, or if somebody else may still answer.
 */
async function askApprover(
  question: Question,
  purchase: Purchase,
  signal: AbortSignal,
): Promise<ApproverFailure | undefined> {
  const { env } = purchase
  const { approver } = env
  if (approver === undefined) return undefined
  let answer: ApprovalAnswer | undefined
  let failure: ApproverFailure = own({ reason: 'nonsense' })
  try {
    answer = readAnswer(await approver(requestOf(question, purchase), signal))
  } catch (error) {
    // An approver that throws approves nothing. What it throws after the end of the question is no news.
    if (!signal.aborted) env.emitter.emit('error', { error, during: 'approver' })
    failure = own({ reason: 'failed' })
  }
  if (signal.aborted) return undefined
  if (answer === undefined) return takesOutsideAnswers(purchase) ? undefined : failure
  const { by: keys, timeoutMs } = env.policy.approvalSettings(purchase.call.context)
  if (keys !== undefined) {
    const context = { keys, timeoutMs, now: env.clock.now(), passkeys: env.passkeys }
    const fault = await proofFault(question.approval, answer, context)
    if (fault !== undefined) {
      // The question stays open for an answer that counts.
      env.emitter.emit('error', { error: new TypeError(PROOF_FAULTS[fault]), during: 'approver' })
      return undefined
    }
  }
  await env.ledger.answer(question.approval.id, answer)
  return undefined
}
