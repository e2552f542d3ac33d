import { randomUUID } from 'node:crypto'
import type { InputRequest } from '@modelcontextprotocol/server'
import type { Approvals, OpenQuestion } from './approvals.js'

/** How long a call waits for a person before it answers that an approval is pending, in milliseconds. */
const PERSON_MS = 25_000
/** How long the answer is kept if a call continued without its caller. */
const KEPT_MS = 15 * 60_000
/** How long a request to the host waits for the host's next call. */
const REQUEST_MS = 10 * 60_000

/** A request of an upstream to a host that can answer only with its next call. */
interface HostRequest {
  readonly input: InputRequest
  readonly answer: (response: unknown) => void
  readonly fail: (error: Error) => void
}

/** Sends a request to the host of a call, and waits for its next call. */
export type AskHost = (input: InputRequest) => Promise<unknown>

/** The work of a call. */
export type Work<T> = (signal: AbortSignal, ask: AskHost) => Promise<T>

/** The answer of a call, or the question for which it waits. */
export type CallState<T> =
  | { readonly kind: 'answered'; readonly answer: T }
  | { readonly kind: 'requesting'; readonly requests: Readonly<Record<string, InputRequest>> }
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

  readonly id = randomUUID()
  readonly #personMs: number
  readonly #requests = new Map<string, HostRequest>()

  constructor(personMs: number, work: Work<T>) {
    this.#personMs = personMs
    this.answer = work(this.#abort.signal, (input) => this.#askHost(input))
    // The answer may be read later or never. If the caller has gone, a failed call must not end the process.
    this.answer.catch(() => undefined).finally(() => this.#endRequests())
  }

  #askHost(input: InputRequest): Promise<unknown> {
    const id = randomUUID()
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#requests.delete(id)
      }
      const answer = (response: unknown): void => {
        end()
        resolve(response)
      }
      const fail = (error: Error): void => {
        end()
        reject(error)
      }
      const timer = setTimeout(
        () => fail(new Error('The host has not called again with an answer')),
        REQUEST_MS,
      )
      timer.unref()
      this.#requests.set(id, { input, answer, fail })
      this.#wake?.()
    })
  }

  /** The call has ended: its host will not call again. */
  #endRequests(): void {
    for (const { fail } of this.#requests.values()) fail(new Error('The call has ended'))
  }

  /** Whether an upstream waits for an answer of the host. */
  get requesting(): boolean {
    return this.#requests.size > 0
  }

  /** Takes the answers that the host sends with its next call. */
  takeAnswers(responses: Readonly<Record<string, unknown>>): void {
    for (const [id, { answer }] of this.#requests) if (Object.hasOwn(responses, id)) answer(responses[id])
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
      if (this.requesting) {
        const requests = [...this.#requests].map(([id, { input }]) => [id, input] as const)
        return { kind: 'requesting', requests: Object.fromEntries(requests) }
      }
      const { question } = this
      if (question !== undefined && question !== known) return { kind: 'asking', question }
      const woken = new Promise<undefined>((resolve) => {
        this.#wake = () => resolve(undefined)
      })
      const waits = question === undefined ? [] : [until(question.ended, this.#personMs)]
      const state = await Promise.race([answered, woken, ...waits])
      if (typeof state === 'object') return state
      if (state === 'late' && question !== undefined) return { kind: 'pending', question }
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

  /**
   * Returns the call with these arguments that its caller left, or starts one.
   *
   * @param state - The id of the call that the host continues, if the host named one. A call that waits for an answer of its
   * host is continued by this id only.
   */
  take(key: string, elicits: boolean, work: Work<T>, state?: unknown): PayingCall<T> {
    const left = this.#left.get(key) ?? []
    const before = left.find(({ id }) => id === state) ?? left.find(({ requesting }) => !requesting)
    if (before !== undefined) this.#keep(key, left, before)
    if (before !== undefined) return before
    const running = this.#running.get(key) ?? new Set<PayingCall<T>>()
    this.#running.set(key, running)
    // Purser asks about equal requests once, so all of them wait for the same person.
    const asked = (question: OpenQuestion): void => {
      for (const one of running) one.asked(question)
    }
    const call = new PayingCall<T>(this.#personMs, (signal, ask) =>
      this.#approvals.run({ elicits, asked }, () => work(signal, ask)),
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
    const forget = (): void => this.#keep(key, this.#left.get(key) ?? [], call)
    const forgetLater = (): void => void setTimeout(forget, KEPT_MS).unref()
    call.answer.then(forgetLater, forgetLater)
  }

  /** Keeps the calls with these arguments, except one. */
  #keep(key: string, calls: readonly PayingCall<T>[], except: PayingCall<T>): void {
    const others = calls.filter((one) => one !== except)
    if (others.length === 0) this.#left.delete(key)
    else this.#left.set(key, others)
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
