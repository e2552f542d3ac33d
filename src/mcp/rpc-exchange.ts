import { PaymentError } from '../errors/index.js'
import type { Exchange, RefusalProblem, SendOptions } from '../pay/index.js'
import type { Challenge, Credential, Echo, ReplyInfo, Resource, ToolResource } from '../protocol/index.js'
import { lazy } from '../util/lazy.js'
import { CODES, type MetaPlace, mayAsk, withPayment } from './meta.js'
import { member, type RpcRequest, type RpcResponse } from './types.js'

/** How one request of a call travels. */
export interface RpcSend {
  /** Whether the request carries a credential. */
  readonly paid: boolean
  readonly signal: AbortSignal | undefined
}

/** The parts of a call that differ between MCP and plain JSON-RPC. */
export interface RpcCall {
  readonly request: RpcRequest
  readonly resource: ToolResource
  /** Where `_meta` is. */
  readonly place: MetaPlace
  /** Sends the request and waits for its answer. */
  readonly send: (request: RpcRequest, how: RpcSend) => Promise<RpcResponse>
  /** Whether a paid request may be sent again after its connection was lost. */
  readonly repeatable: () => boolean
}

/** One JSON-RPC call as an exchange, whether or not the server ever asks for a payment. */
export class RpcExchange implements Exchange<RpcResponse> {
  readonly resource: ToolResource
  readonly #call: RpcCall
  /** Answers to credentials, by the envelope of the credential. */
  readonly #answers = new WeakMap<RpcResponse, Echo['envelope']>()

  constructor(call: RpcCall) {
    this.#call = call
    this.resource = call.resource
  }

  get repeatable(): boolean {
    return this.#call.repeatable()
  }

  async fingerprint(): Promise<string> {
    const { fingerprintOf } = await codec()
    return fingerprintOf(this.resource, this.#call.request)
  }

  send({ credential, idempotencyKey, signal }: SendOptions): Promise<RpcResponse> {
    if (credential !== undefined) return this.#sendPaid(credential, idempotencyKey, signal)
    const { request, place, send } = this.#call
    return send(withPayment(request, place, { key: idempotencyKey }), { paid: false, signal })
  }

  mayRequirePayment(reply: RpcResponse): boolean {
    return mayAsk(reply)
  }

  async read(reply: RpcResponse): Promise<ReplyInfo> {
    const { readReply } = await codec()
    const { request, resource } = this.#call
    return readReply(reply, { request, resource, answers: this.#answers.get(reply) })
  }

  async check(challenge: Challenge, _at: Resource): Promise<void> {
    if (challenge.digest !== undefined)
      throw new PaymentError(
        'digest_mismatch',
        'untouched',
        'The offer is bound to the body of an HTTP request, and this call has none.',
      )
  }

  /** The message is complete, and nothing is held open for it. */
  discard(): void {}

  refuse(problem: RefusalProblem): RpcResponse {
    const reply = errorReply(this.#call.request, problem.detail, problem)
    refusals.set(reply, problem)
    return reply
  }

  async #sendPaid(
    credential: Credential,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<RpcResponse> {
    const { credentialMeta } = await codec()
    const { name, value } = credentialMeta(credential)
    const { request, place, send } = this.#call
    const paid = withPayment(request, place, { credential: [name, value], key })
    const reply = await send(paid, { paid: true, signal })
    this.#answers.set(reply, credential.challenge.echo.envelope)
    return reply
  }
}

/** Purser's own refusals, by the reply that carries them. */
const refusals = new WeakMap<RpcResponse, RefusalProblem>()

/** Returns the refusal behind a reply. Undefined if the reply came from the server. */
export function refusalBehind(reply: RpcResponse): RefusalProblem | undefined {
  return refusals.get(reply)
}

/**
 * Removes `funds` from the data of a server's error with the code 402. Only Purser knows where the money is, and clients read
 * it there.
 */
export function withoutFunds(reply: RpcResponse): RpcResponse {
  const { error } = reply
  if (error?.code !== CODES.x402 || member(error.data, 'funds') === undefined || refusals.has(reply))
    return reply
  return { ...reply, error: { ...error, data: { ...Object(error.data), funds: undefined } } }
}

/** Makes the error that tells a caller about a payment. Its `data` has the code, the reasons, and where the money is. */
export function errorReply({ id }: RpcRequest, message: string, data: object): RpcResponse {
  return { jsonrpc: '2.0', id, error: { code: CODES.x402, message, data } }
}

/** Loaded when an answer asks for money. */
export const codec = lazy(() => import('./codec.js'))
