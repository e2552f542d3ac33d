import type { FetchLike } from '../fetch/index.js'
import type { AnswerResult, ApprovalId } from '../ledger/index.js'
import type { ApprovalAnswer, Listener, PurserEvent } from '../pay/index.js'

/** A purser as its notifier sees it. */
export interface NotifierContext {
  readonly agent: string
  /** The unit of the policy: its id, and its symbol. */
  readonly unit: string
  readonly symbol: string
  /** Sends a request. It never pays. */
  readonly fetch: FetchLike
  on<E extends PurserEvent>(event: E, listener: Listener<E>): () => void
  /** Answers a question, by the same checks as `purser.approvals.answer`. */
  answer(id: ApprovalId, answer: ApprovalAnswer): Promise<AnswerResult>
  /** Emits an `error` event. `during` must not have secrets. */
  failed(error: unknown, during: string): void
}

/** Tells people outside of this process what happens. Made by `notifier()` of `purser/notify`. */
export interface Notifier {
  /** Whether a receiver may answer questions. If so, the purser takes answers from its ledger. */
  readonly mayAnswer: boolean
  /**
   * Starts to listen. Called once, when its purser is created.
   *
   * @returns A function that ends it, after it has sent what waits, within a limit of time.
   */
  start(context: NotifierContext): () => Promise<void>
}
