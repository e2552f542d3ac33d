import type { Reason } from '../errors/index.js'
import { type Amount, asJson, type Instant } from '../money/index.js'
import type { Context, Terms } from '../policy/index.js'
import type { Resource } from '../protocol/index.js'
import { own } from '../util/objects.js'
import type { PaymentId } from './payment.js'

/** The id of a question to a person. */
export type ApprovalId = string

/**
 * The state of a question. `waiting`: no answer yet. `expired`: no answer came in time. `withdrawn`: nobody needs the
 * answer any more.
 */
export type ApprovalState = 'waiting' | 'approved' | 'denied' | 'expired' | 'withdrawn'

/** Approves further payments like this one, within these limits, without asking again. It never overrides a `deny`. */
export interface Remember {
  readonly until: Instant
  /** The most that one payment may cost: its price and the largest fee that it can have. */
  readonly upTo: Amount
  /** The most that all of them may cost together, fees included. */
  readonly total: Amount
}

/** The signature of an answer, by a key that the policy names in `approval.by`. It is stored as evidence. */
export interface ApprovalProof {
  /** The public key, as the policy has it. */
  readonly publicKey: string
  /** The signed time of the decision, in milliseconds. */
  readonly at: Instant
  /** The signed random text. One text counts once. */
  readonly nonce: string
  /** The signature in base64url. */
  readonly signature: string
  /** Only for a passkey: what the authenticator signed, in base64url. */
  readonly passkey?: {
    readonly credential: string
    readonly clientDataJSON: string
    readonly authenticatorData: string
  }
}

/** The decision of a person, without the time. */
export interface GivenAnswer {
  readonly approved: boolean
  /** The person's name. */
  readonly by: string
  readonly note?: string
  readonly remember?: Remember
  readonly proof?: ApprovalProof
}

/** A stored answer, with the ledger's time. */
export interface StoredAnswer extends GivenAnswer {
  readonly at: Instant
}

/** What a budget has left if the payment is made. Amounts are units, the policy's unit at nine decimals. */
export interface BudgetAfter {
  readonly rule: string
  readonly counts: 'spend' | 'lock' | 'payments'
  readonly limit: bigint
  readonly remaining: bigint
  readonly resetsAt?: Instant
}

/** A question to a person about one payment, as the ledger stores it, and its answer. */
export interface Approval {
  readonly id: ApprovalId
  /** The payment that the question is about. */
  readonly payment: PaymentId
  readonly state: ApprovalState
  /** Whether a call of a live process waits for the answer. If not, the same request finds the answer later. */
  readonly live: boolean
  /** The agent that wants to pay, its tasks and its tool. */
  readonly agent: string
  readonly tasks: readonly string[]
  readonly tool?: string
  /** The vendor and the operation that the agent dialled. */
  readonly resource: Pick<Resource, 'transport' | 'vendor' | 'operation'>
  /** The price, the largest fee, the payees and the rail. */
  readonly terms: Terms
  /** Why policy asks. */
  readonly reasons: readonly Reason[]
  /** The vendor's description, in the server's own words. It proves nothing. */
  readonly serverSays?: string
  /** What the budgets have left if the payment is made. Absent if the ledger did not know it. */
  readonly budgets?: readonly BudgetAfter[]
  readonly askedAt: Instant
  /** The end of the question. No answer by then means no. */
  readonly expires: Instant
  /** The SHA-256 hash of the terms, the agent, the vendor and the operation, in hexadecimal. */
  readonly termsHash: string
  readonly answer?: StoredAnswer
  /** Why it was withdrawn. */
  readonly withdrawn?: WithdrawReason
  /** Until when a yes can be used. */
  readonly usableUntil?: Instant
  /** The payment that uses the yes. */
  readonly usedBy?: PaymentId
  /** When that payment was committed. From then on the yes is used up. */
  readonly usedAt?: Instant
}

/** Why a question was withdrawn: its approver failed or gave no valid answer, or the caller has left. */
export type WithdrawReason = 'failed' | 'nonsense' | 'left'

/** A stored question, with the fields that the ledger needs to decide about it. */
export interface ApprovalRow extends Omit<Approval, 'live'> {
  readonly fingerprint: string
  /** The operation under which a denial is stored. */
  readonly pattern: string
  /** The process and the payment that wait for the answer. Another call can take their place if they are gone. */
  readonly owner: string
  readonly waiting: PaymentId
  /** What it holds of each counter while it waits, by the counter's key. */
  readonly holds: readonly { readonly key: string; readonly amount: bigint }[]
  /** The newest earlier purchase of the same request that the question told, if a rule asks about repeats. */
  readonly last?: string
  /** Whether it waits, or is a yes that can still be used. */
  readonly open: boolean
}

/** The result of an answer. `ok: false`: the answer has changed nothing, and `why` says why. */
export type AnswerResult =
  | { readonly ok: true; readonly approval: Approval }
  /**
   * `unknown`: there is no such question. `answered`: another answer was first. `late`: the question has expired.
   * `withdrawn`: nobody needs the answer any more. `unproven`: policy needs a signature that the answer does not have, and
   * `message` says how to fix it.
   */
  | {
      readonly ok: false
      readonly why: 'unknown' | 'answered' | 'late' | 'withdrawn' | 'unproven'
      readonly message?: string
      readonly approval?: Approval
    }

/** Selects questions. A question must match all given fields. */
export interface ApprovalQuery {
  readonly states?: readonly ApprovalState[]
  readonly agent?: string
  readonly vendor?: string
  /** The maximum number of questions. @default 100 */
  readonly limit?: number
}

/** Returns a stored question as callers see it. */
export function approvalOf(row: ApprovalRow, live: boolean, now: Instant): Approval {
  const { fingerprint, pattern, owner, waiting, holds, last, open, ...shown } = row
  const { state, expires, budgets } = row
  const ended = state === 'waiting' && expires <= now
  return Object.freeze(
    own({
      ...shown,
      state: ended ? 'expired' : state,
      live: live && !ended,
      ...(budgets === undefined ? {} : { budgets: budgets.map((budget) => asJson(own(budget))) }),
    }),
  )
}

/** Returns the parts of a context that a question shows. */
export function askerOf({
  agent,
  tasks,
  tool,
}: Pick<Context, 'agent' | 'tasks' | 'tool'>): Pick<Approval, 'agent' | 'tasks' | 'tool'> {
  return { agent, tasks, ...(tool === undefined ? {} : { tool }) }
}
