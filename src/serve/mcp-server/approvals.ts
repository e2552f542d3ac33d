import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { ApprovalAnswer, ApprovalRequest, Approver } from '../../index.js'

/** A question to a person that has no answer yet. */
export interface OpenQuestion {
  /** The question's id. Purser can ask several questions about one payment, and each has a different id. */
  readonly id: string
  readonly request: ApprovalRequest
  /** Answers the question. Only the first answer counts. */
  answer(answer: ApprovalAnswer): void
  /** Aborts when the question has ended, with or without an answer. */
  readonly ended: AbortSignal
}

/** A call that may lead to a question. */
export interface Asking {
  /** Whether the host of this call may ask a person. */
  readonly elicits: boolean
  /** Called with each question of this call. */
  asked(question: OpenQuestion): void
}

/**
 * Sends the questions of a purser to people, by the user's own approver and by the host of the call. A person
 * can also answer in the ledger, which this class does not see: the question then ends.
 */
export class Approvals {
  readonly #ask: Approver | undefined
  readonly #calls = new AsyncLocalStorage<Asking>()
  /** Whether a yes of the host's user counts. */
  readonly elicitation: boolean
  /** Whether a person can answer in the ledger, from another process. */
  readonly outside: boolean

  /**
   * @param ask - The user's approver. Undefined if there is none.
   * @param options - `elicitation`: whether the host may ask its user, so that this answer counts. `outside`: whether a
   * person can answer in the ledger.
   */
  constructor(
    ask: Approver | undefined,
    { elicitation, outside }: { readonly elicitation: boolean; readonly outside: boolean },
  ) {
    this.#ask = ask
    this.elicitation = elicitation
    this.outside = outside
  }

  /** Whether the user's approver is asked. */
  get hasApprover(): boolean {
    return this.#ask !== undefined
  }

  /** Whether any person may be able to answer. If not, Purser refuses at once. */
  get canAsk(): boolean {
    return this.hasApprover || this.elicitation || this.outside
  }

  /** Runs a call, so that a question inside the call is sent to it. */
  run<T>(call: Asking, work: () => Promise<T>): Promise<T> {
    return this.#calls.run(call, work)
  }

  /** The approver of the purser. */
  readonly approver: Approver = (request, signal) => {
    const call = this.#calls.getStore()
    const elicits = this.elicitation && call?.elicits === true
    if (this.#ask === undefined && !elicits && !this.outside)
      throw new TypeError('Neither an approver nor the host of this call can ask a person')
    const ended = new AbortController()
    signal.addEventListener('abort', () => ended.abort(), { once: true })
    const answered = new Promise<ApprovalAnswer>((resolve, reject) => {
      const end = (): void => ended.abort()
      call?.asked({
        id: randomUUID(),
        request,
        ended: ended.signal,
        answer: (answer) => {
          resolve(answer)
          end()
        },
      })
      // An error of the approver is not an answer. Another person may still answer the question.
      this.#ask?.(request, AbortSignal.any([signal, ended.signal])).then(
        (answer) => {
          resolve(answer)
          end()
        },
        (error: unknown) => {
          if (elicits || this.outside) return
          reject(error)
          end()
        },
      )
    })
    return answered
  }
}
