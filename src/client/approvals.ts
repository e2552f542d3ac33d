import type { AnswerResult, Approval, ApprovalId, ApprovalQuery, Ledger } from '../ledger/index.js'
import {
  type ApprovalAnswer,
  type PaymentSettings,
  PROOF_FAULTS,
  proofFault,
  readAnswer,
} from '../pay/index.js'

/** The questions to people in a purser's ledger. */
export interface PurserApprovals {
  /**
   * Lists questions and their answers, the newest first.
   *
   * @param query - Narrows the list to states, an agent or a vendor. @default the newest 100
   * @throws TypeError if the query has an unknown name.
   * @example
   * ```ts
   * for (const { id, agent, resource, terms, expires } of await purser.approvals.list({ states: ['waiting'] }))
   *   console.log(id, agent, resource.vendor, formatAmount(terms.most), new Date(expires))
   * ```
   */
  list(query?: ApprovalQuery): Promise<readonly Approval[]>
  /** Returns one question, or undefined if the ledger has none with this id. */
  get(id: ApprovalId): Promise<Approval | undefined>
  /**
   * Answers a question, for this or any other process that shares the ledger. The first answer counts, and a yes pays
   * for one payment.
   *
   * @returns Whether the answer counts. If not, it has changed nothing, and `why` is the reason.
   * @throws TypeError if the answer has a wrong shape.
   * @example
   * ```ts
   * const [question] = await purser.approvals.list({ states: ['waiting'] })
   * if (question !== undefined) await purser.approvals.answer(question.id, { approved: true, by: 'ann' })
   * ```
   */
  answer(id: ApprovalId, answer: ApprovalAnswer): Promise<AnswerResult>
}

/** Stores a person's answer. */
export async function answerApproval(
  id: ApprovalId,
  given: ApprovalAnswer,
  { policy, clock, passkeys }: Pick<PaymentSettings, 'policy' | 'clock' | 'passkeys'>,
  ledger: Ledger,
): Promise<AnswerResult> {
  const answer = readAnswer(given)
  if (answer === undefined)
    throw new TypeError('An answer is { approved: true or false, by: a name }, with an optional note')
  const approval = await ledger.approval(id)
  if (approval?.state === 'waiting') {
    const { by: keys, timeoutMs } = policy.approvalSettings(approval)
    const fault =
      keys && (await proofFault(approval, answer, { keys, timeoutMs, now: clock.now(), passkeys }))
    if (fault !== undefined) return { ok: false, why: 'unproven', message: PROOF_FAULTS[fault], approval }
  }
  return ledger.answer(id, answer)
}
