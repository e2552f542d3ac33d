import type { Reason } from '../../errors/index.js'
import type { Approval, ApprovalId, AskResult, HoldResult, PaymentId } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import { noBetter } from '../../policy/index.js'
import { holdOf, type Purchase } from '../purchase.js'
import { ask, hold } from '../transition.js'
import { approvalTermsHash } from './approval-message.js'
import { type ApprovedCandidate, approve, takesOutsideAnswers, unanswered, useAnswer } from './approve.js'
import type { Candidate } from './candidates.js'

/** A yes of a person. */
export interface Approved {
  /** What was approved. */
  readonly candidate: Candidate
  /** The question in the ledger. */
  readonly id: ApprovalId
  readonly by: string
  /** The nonce of the signed answer. */
  readonly nonce: string | undefined
}

/** What came of a question. */
export type PersonAsked =
  | {
      readonly kind: 'approved'
      readonly approved: Approved
      /** The candidate as it is after the answer. */
      readonly candidate: Candidate
    }
  /** The question of another call about the same request has ended: judge again. */
  | { readonly kind: 'other' }
  | { readonly kind: 'full'; readonly reason: Reason; readonly retryAt: Instant }
  | { readonly kind: 'not held'; readonly held: Extract<HoldResult, { ok: false }> }

interface Asking {
  readonly id: PaymentId
  readonly candidate: Candidate
  /** Called as soon as the payment is held. */
  readonly onHeld: () => void
}

/**
 * Asks a person, or waits for another call that asks about the same request, or takes a yes that nobody has used. No call
 * waits on a lane for an answer.
 *
 * @throws PaymentRefusedError if the answer is no, late or invalid, or if nobody can answer.
 */
export async function askPerson(asking: Asking, purchase: Purchase): Promise<PersonAsked> {
  const { id, candidate, onHeld } = asking
  const { env, call } = purchase
  call.signal?.throwIfAborted()
  const { lane: _, ...request } = holdOf(id, candidate, purchase)
  if (env.approver === undefined && !takesOutsideAnswers(purchase)) {
    // Its budgets must have room, as for any other question.
    const held = await hold({ ...request, reserves: 'nothing' }, env)
    if (!held.ok) return { kind: 'not held', held }
    onHeld()
    env.emitter.emit('approval', { payment: id, approved: false })
    throw unanswered(candidate, 'nobody')
  }
  const asked = await ask(
    {
      id: env.newId(),
      hold: request,
      termsHash: approvalTermsHash({
        terms: candidate.quote.terms,
        agent: call.context.agent,
        resource: request.resource,
      }),
      serverSays: candidate.quote.challenge.words,
      settings: env.policy.approvalSettings(call.context),
    },
    env,
  )
  switch (asked.kind) {
    case 'full':
      return { kind: 'full', reason: tooManyQuestions(asked, purchase), retryAt: asked.retryAt }
    case 'not held':
      return asked
    case 'shared':
      return awaitOther(asked.approval, candidate, purchase)
    case 'approved': {
      const { by, nonce } = await useAnswer(asked.approval, candidate, purchase)
      env.emitter.emit('approval', { payment: id, approved: true, by, approval: asked.approval })
      return approvedAs(asked.approval, candidate, { now: { ...candidate, approvedBy: by }, by, nonce })
    }
    case 'asked': {
      onHeld()
      const { approval } = asked
      return approvedAs(approval, candidate, await approve({ id, candidate, approval }, purchase))
    }
  }
}

function approvedAs(
  { id }: Approval,
  candidate: Candidate,
  { now, by, nonce }: ApprovedCandidate,
): PersonAsked {
  return { kind: 'approved', approved: { candidate, id, by, nonce }, candidate: now }
}

/** Waits for the end of a question that another call has asked about the same request. */
async function awaitOther(
  { id, terms }: Approval,
  candidate: Candidate,
  { env, call }: Purchase,
): Promise<PersonAsked> {
  const over = ({ state, live }: Approval): boolean => state !== 'waiting' || !live
  const ended = await env.ledger.untilApproval(id, over, call.signal)
  const why = ended?.state === 'expired' ? 'late' : ended?.withdrawn
  if (why === undefined || why === 'left' || !noBetter(candidate.quote.terms, terms)) return { kind: 'other' }
  throw unanswered(candidate, why)
}

/** The reason if the limit of open questions is reached, so that no person is asked. */
function tooManyQuestions(
  { rule, limit }: Extract<AskResult, { kind: 'full' }>,
  { at: { vendor }, call }: Purchase,
): Reason {
  const { agent } = call.context
  const whose = rule === 'perVendor' ? `about ${vendor}` : `of ${agent === '' ? 'this caller' : agent}`
  return {
    rule: `approval.${rule}`,
    limit: `${limit}`,
    message: `This payment needs an approval, and ${limit} questions ${whose} wait for a person already: answer those first, or raise \`approval.${rule}\`.`,
  }
}
