import type { Approvals, OpenQuestion } from './approvals.js'

/** How long a call waits for a person before it answers that an approval is pending, in milliseconds. */
const PERSON_MS = 25_000
/** How long the answer is kept if a call continued without its caller. */
const KEPT_MS = 15 * 60_000

/** The answer of a call, or the question for which it waits. */
export type CallState<T> =
  | { readonly kind: 'answered'; readonly answer: T }
  | { readonly kind: 'asking'; readonly question: OpenQuestion }
  | { readonly kind: 'pending'; readonly question: OpenQuestion }

/** A paying call. It can continue after its caller received the answer that it waits for a person. */
export class PayingCall<T> {
  readonly #abort = new AbortController()
  #question: OpenQuestion | undefined
  #wake: (() => void) | undefined
  /** Whether its caller received the answer that it is pending. If so, the call does not end with its caller. */
  #goesOn = false
  readonly answer: Promise<T>

  readonly #personMs: number

  constructor(personMs: number, work: (signal: AbortSignal) => Promise<T>) {
    this.#personMs = personMs
    this.answer = work(this.#abort.signal)
    // The answer may be read later or never. If the caller has gone, a failed call must not end the process.
    this.answer.catch(() => undefined)
  }

  /** Notes a question to a person, asked by this call or by an equal call that shares the question with this one. */
  asked(question: OpenQuestion): void {
    this.#question = question
    this.#wake?.()
  }

  /** The question that waits for a person now. */
  get question(): OpenQuestion | undefined {
    return this.#question?.ended.aborted === false ? this.#question : undefined
  }

  goOn(): void {
    this.#goesOn = true
  }

  /**
   * @returns False if the call does not end with its caller, because the caller received the answer that it is pending.
   */
  abort(reason: unknown): boolean {
    if (!this.#goesOn) this.#abort.abort(reason)
    return !this.#goesOn
  }

  /**
   * Waits for the answer. While a person is asked, it waits at most that many milliseconds.
   *
   * @param known - A question that the caller has already sent to its host. It is not returned as `asking` again.
   */
  async wait(known: OpenQuestion | undefined): Promise<CallState<T>> {
    const answered = this.answer.then((answer): CallState<T> => ({ kind: 'answered', answer }))
    for (;;) {
      const { question } = this
      if (question === undefined) {
        const woken = new Promise<undefined>((resolve) => {
          this.#wake = () => resolve(undefined)
        })
        const state = await Promise.race([answered, woken])
        if (state !== undefined) return state
      } else if (question === known) {
        const state = await Promise.race([answered, until(question.ended, this.#personMs)])
        if (typeof state === 'object') return state
        if (state === 'late') return { kind: 'pending', question }
      } else return { kind: 'asking', question }
    }
  }
}

/** Resolves when the signal aborts (`ended`), or after that time (`late`). */
function until(signal: AbortSignal, ms: number): Promise<'ended' | 'late'> {
  return new Promise((resolve) => {
    const end = (how: 'ended' | 'late'): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      resolve(how)
    }
    const stop = (): void => end('ended')
    const timer = setTimeout(end, ms, 'late')
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

/** The paying calls by their arguments: calls that run, and calls that continue for a caller who may come back. */
export class PayingCalls<T> {
  readonly #approvals: Approvals
  readonly #personMs: number
  readonly #running = new Map<string, Set<PayingCall<T>>>()
  readonly #left = new Map<string, PayingCall<T>[]>()

  constructor(approvals: Approvals, personMs = PERSON_MS) {
    this.#approvals = approvals
    this.#personMs = personMs
  }

  /** Returns the call with these arguments that its caller left, or starts one. */
  take(key: string, elicits: boolean, work: (signal: AbortSignal) => Promise<T>): PayingCall<T> {
    const left = this.#left.get(key)
    const before = left?.shift()
    if (left?.length === 0) this.#left.delete(key)
    if (before !== undefined) return before
    const running = this.#running.get(key) ?? new Set<PayingCall<T>>()
    this.#running.set(key, running)
    // Purser asks about equal requests once, so all of them wait for the same person.
    const asked = (question: OpenQuestion): void => {
      for (const one of running) one.asked(question)
    }
    const call = new PayingCall<T>(this.#personMs, (signal) =>
      this.#approvals.run({ elicits, asked }, () => work(signal)),
    )
    for (const { question } of running) if (question !== undefined) call.asked(question)
    running.add(call)
    const ended = (): void => {
      running.delete(call)
      if (running.size === 0 && this.#running.get(key) === running) this.#running.delete(key)
    }
    call.answer.then(ended, ended)
    return call
  }

  /**
   * Keeps a call whose caller received the answer that it waits for a person. The call continues, and its answer is
   * kept for 15 minutes.
   */
  leave(key: string, call: PayingCall<T>): void {
    call.goOn()
    this.#left.set(key, [...(this.#left.get(key) ?? []), call])
    const forget = (): void => {
      const others = (this.#left.get(key) ?? []).filter((one) => one !== call)
      if (others.length === 0) this.#left.delete(key)
      else this.#left.set(key, others)
    }
    const forgetLater = (): void => void setTimeout(forget, KEPT_MS).unref()
    call.answer.then(forgetLater, forgetLater)
  }
}

/** Returns the arguments of a call as one text, which does not depend on the order of their names. */
export function keyOf(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
