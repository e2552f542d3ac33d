import { ONCE } from '../util/objects.js'
import type { RpcSend } from './rpc-exchange.js'
import { type McpTransport, member, type RpcRequest, type RpcResponse } from './types.js'

/** Gets the next answer with the id of a call. */
interface Waiting {
  resolve(reply: RpcResponse): void
  reject(error: unknown): void
}

/** One call that policy may pay for, from its request to its answer. All its requests have the same id. */
export class RunningCall {
  readonly request: RpcRequest
  /** The promise for the first request alone, as the transport's own `send` returns it. */
  readonly firstSend: Promise<void>
  readonly #transport: McpTransport
  readonly #options: object | undefined
  readonly #abort = new AbortController()
  #waiting: Waiting | undefined
  #paid = false
  #extra: object | undefined
  #sent = (): void => {}
  #leave = (): void => {}
  #notSent: (error: unknown) => void = () => {}
  #first: 'open' | 'done' | { readonly error: unknown } = 'open'

  #answer: RpcResponse | undefined

  /** @param answer - The answer to the first request, if that was sent already. */
  constructor(
    transport: McpTransport,
    request: RpcRequest,
    options: object | undefined,
    answer?: RpcResponse,
  ) {
    this.#answer = answer
    this.#transport = transport
    this.request = request
    this.#options = options
    this.firstSend = new Promise((resolve, reject) => {
      this.#sent = resolve
      this.#notSent = reject
    })
    if (answer !== undefined) this.started()
    // The SDK ends a request on a per-request stream by this signal, and not by a notification.
    const stop = member(options, 'requestSignal')
    if (!(stop instanceof AbortSignal)) return
    const cancel = (): void => this.cancel(stop.reason)
    this.#leave = () => stop.removeEventListener('abort', cancel)
    if (stop.aborted) cancel()
    else stop.addEventListener('abort', cancel, ONCE)
  }

  /** The call has ended: nothing listens to its signal any more. */
  ended(): void {
    this.started()
    this.#leave()
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Whether a credential may have left. */
  get paid(): boolean {
    return this.#paid
  }

  /** What the transport told beside the last answer. */
  get extra(): object | undefined {
    return this.#extra
  }

  cancel(reason: unknown): void {
    this.#abort.abort(reason)
  }

  /** Sends a request of this call and waits for the answer with its id. */
  ask(message: RpcRequest, { paid, signal }: RpcSend): Promise<RpcResponse> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const answer = this.#answer
    this.#answer = undefined
    if (answer !== undefined && !paid) return Promise.resolve(answer)
    this.#paid ||= paid
    return new Promise((resolve, reject) => {
      const aborted = (): void => waiting.reject(signal?.reason)
      const done = (): void => {
        signal?.removeEventListener('abort', aborted)
        if (this.#waiting === waiting) this.#waiting = undefined
      }
      const waiting: Waiting = {
        resolve(reply) {
          done()
          resolve(reply)
        },
        reject(error) {
          done()
          reject(error)
        },
      }
      signal?.addEventListener('abort', aborted, ONCE)
      this.#waiting = waiting
      const options = paid ? withoutResumption(this.#options) : this.#options
      this.#transport.send(message, options).then(
        () => this.started(),
        (error: unknown) => {
          waiting.reject(error)
          if (paid || this.#first !== 'open') return
          this.#first = { error }
          this.#notSent(error)
          // The answer may have come before the error. The client knows that the call failed, so it is not paid any more.
          this.cancel(error)
        },
      )
    })
  }

  /** Takes an answer with the id of the call. It is dropped if no request waits for one. */
  receive(reply: RpcResponse, extra: object | undefined): void {
    if (this.#waiting === undefined) return
    this.#extra = extra
    this.#waiting.resolve(reply)
  }

  /** The connection is gone. */
  lose(error: unknown): void {
    if (this.#paid) this.#waiting?.reject(error)
    // Nothing has left for it, and nothing will.
    else this.cancel(error)
  }

  /** The first request is on its way, or the call has ended without one. */
  started(): void {
    if (this.#first !== 'open') return
    this.#first = 'done'
    this.#sent()
  }

  /** Tells whether the client knows already that its call failed, because the request could not be sent. */
  failedWith(error: unknown): boolean {
    return typeof this.#first === 'object' && this.#first.error === error
  }
}

/** A request with a credential is a new one: nothing of it can be resumed. */
function withoutResumption(options: object | undefined): object | undefined {
  return options === undefined ? undefined : { ...options, resumptionToken: undefined }
}
