import { clean, isPaymentError, type PaymentRefusedError, type Reason } from '../../errors/index.js'
import type { PaymentId } from '../../ledger/index.js'
import { count } from '../../money/index.js'
import { noWorse, railOf } from '../../policy/index.js'
import type { Challenge } from '../../protocol/index.js'
import { reasonOf, refused } from '../refusal.js'
import { deny } from '../transition.js'
import type { Admission, ApprovalQuestion, EndQuestion } from './approval-queue.js'
import { type ApprovalAnswer, type ApprovalRequest, ask } from './approver.js'
import { type Candidate, evaluateSource, type QuoteSource } from './candidates.js'
import { holdOf, narrowingOf, type OfferPurchase, type Purchase } from './purchase.js'

/** A person's no stands that long for the same terms: an agent that asks again is not a reason to ask a person again. */
const DENIAL_STANDS_MS = 10 * 60_000

/** A challenge that dies sooner than this is asked for again rather than signed at the last moment. */
const NEARLY_EXPIRED_MS = 5_000

/**
 * Asks a person, with the budget held meanwhile. The answer is bound to these terms: what comes back is judged again,
 * on a fresh challenge if the first one died, and no worse in any field.
 *
 * @param end Ends the question: what was answered is written down by then.
 * @throws PaymentRefusedError if the answer is no, late or not an answer, or if the offer got worse.
 */
export async function approve(
  id: PaymentId,
  candidate: Candidate,
  c: Purchase,
  end: EndQuestion,
): Promise<Candidate> {
  const { env, call } = c
  const timeout = env.policy.approvalSettings(call.context).timeoutMs
  const asked = await ask(env.approver, requestOf(id, candidate, c, timeout), timeout, call.signal)
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
    await standingDenial(id, candidate, c, answer.by)
    end('answered')
    throw notApproved(candidate, `${clean(answer.by)} did not approve this payment.`)
  }
  await rememberApproval(candidate, c, answer)
  end('answered')
  return { ...(await freshest(id, candidate, c)), approvedBy: clean(answer.by) }
}

const NO_ANSWER = {
  nobody: 'This payment needs an approval, and nobody is there to give one.',
  late: 'This payment needs an approval, and nobody answered in time.',
  failed: 'This payment needs an approval, and asking for it failed.',
  nonsense: 'This payment needs an approval, and the answer was not one.',
} as const

/** Nobody answered this question, or one about the same request on terms that were no worse. */
export function unanswered(candidate: Candidate, reason: keyof typeof NO_ANSWER): PaymentRefusedError {
  return notApproved(candidate, NO_ANSWER[reason])
}

function notApproved({ decision }: Candidate, message: string): PaymentRefusedError {
  const reasons: Reason[] = [...decision.reasons, { rule: 'approval', message }]
  return refused(reasons)
}

function requestOf(
  id: PaymentId,
  { quote, decision }: Candidate,
  c: Purchase,
  timeout: number,
): ApprovalRequest {
  const { agent, tasks, tool } = c.call.context
  const { words } = quote.challenge
  return Object.freeze({
    payment: id,
    agent,
    tasks,
    ...(tool === undefined ? {} : { tool }),
    resource: c.at,
    terms: quote.terms,
    reasons: decision.reasons,
    expires: c.env.clock.now() + timeout,
    ...(words === undefined ? {} : { serverSays: words }),
  })
}

/** Why nobody is asked: as many questions as may wait for a person are open already. */
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

/** Recorded as a refusal that stands: the same terms are refused without asking until it runs out. */
async function standingDenial(id: PaymentId, candidate: Candidate, c: Purchase, by: string): Promise<void> {
  const { lane: _, ...request } = holdOf(id, candidate, c)
  const reason = `not approved by ${clean(by)}`
  await deny(request, { reason, standsMs: DENIAL_STANDS_MS }, c.env)
}

async function rememberApproval(
  { quote }: Candidate,
  { env, call, at }: Purchase,
  { by, remember }: Extract<ApprovalAnswer, { approved: true }>,
): Promise<void> {
  if (remember === undefined) return
  const upTo = count(remember.upTo, env.policy.unit)
  const total = count(remember.total, env.policy.unit)
  // Bounds that have no value in the unit bound nothing, so they remember nothing.
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

/** Does an approval cover this? Its terms are no worse, and the same request was not bought meanwhile. */
export function isCovered({ quote, decision }: Judged, approved: Judged): boolean {
  const last = decision.repeat?.last
  const isNew = last !== undefined && last !== approved.decision.repeat?.last
  return !isNew && noWorse(quote.terms, approved.quote.terms)
}

/** What the person agreed to, as it stands now: the windows of this moment, and a live challenge. */
async function freshest(id: PaymentId, candidate: Candidate, c: Purchase): Promise<Candidate> {
  const { env, call, at } = c
  const { challenge } = candidate.quote
  const source = await freshSource(challenge, c)
  const { ranked } = await evaluateSource(source, at, call, env, narrowingOf(id, c))
  const fresh = ranked.find(
    ({ quote, wallet, decision }) =>
      wallet === candidate.wallet &&
      decision.effect !== 'deny' &&
      c.need?.fits(quote) !== false &&
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
  if (c.kind === 'offers' && fresh.quote.challenge.id !== challenge.id)
    await checked(fresh.quote.challenge, c)
  return fresh
}

/** What was approved, to be quoted once more. A challenge that is about to expire is asked for again. */
async function freshSource(challenge: Challenge, c: Purchase): Promise<QuoteSource> {
  if (c.kind === 'operation') return c
  const expired =
    challenge.expires !== undefined && challenge.expires <= c.env.clock.now() + NEARLY_EXPIRED_MS
  return { kind: 'offers', offers: expired ? await c.requestOffers() : [challenge] }
}

/** A fresh challenge that the request cannot carry is an offer that lapsed, and no fault of the caller's. */
async function checked(challenge: Challenge, c: OfferPurchase): Promise<void> {
  try {
    await c.check(challenge, c.at)
  } catch (cause) {
    if (!isPaymentError(cause)) throw cause
    throw refused([reasonOf(cause)], { code: cause.code, cause })
  }
}
