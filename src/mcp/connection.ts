import type { HttpPaymentHandler } from '../http/index.js'
import { type CallOptions, ownCallOptions } from '../pay/index.js'
import type { ToolResource } from '../protocol/index.js'
import { withTimeout } from '../util/with-timeout.js'
import { type PaymentCapability, paymentCapability, withCapability } from './capabilities.js'
import { replyForError } from './error-reply.js'
import { CALL_OPTIONS, CODES, mayAsk, metaOf, withPayment } from './meta.js'
import { Resources, UNNAMED } from './resource.js'
import { codec, RpcExchange, withoutFunds } from './rpc-exchange.js'
import { RunningCall } from './running-call.js'
import {
  isRequest,
  isResponse,
  type McpTransport,
  type MessageListener,
  member,
  type RequestId,
  type RpcRequest,
  type RpcResponse,
} from './types.js'

/** The end of one call: the answer that the caller got, or the error. */
export type CallEnd = { readonly reply: RpcResponse } | { readonly error: unknown }

/** Hears how the calls of a client ended. */
export interface CallObserver {
  /** The promise resolves when the call has ended. It never rejects. */
  started(request: RpcRequest, end: Promise<CallEnd>): void
}

/** A request that policy can never pay for, and that is only watched. */
interface Watched {
  readonly resource: ToolResource | undefined
}

/** A request that policy may pay for, and that was sent without the payment flow. */
interface Unasked {
  /** Starts the payment flow with the answer to the request. */
  readonly pay: (first: RpcResponse) => void
  /** Whether an answer has asked for money. Later answers are dropped. */
  asked: boolean
}

const LOST = 'Connection closed'
/** How many unpayable requests are watched at the most. */
const MOST_WATCHED = 1_000
/** How long a closed connection waits for its calls to say where the money is. */
const CLOSING_MS = 1_000
/** These methods only read, so they may be sent again after a lost connection. */
const READS = new Set(['resources/read', 'prompts/get'])

/** A transport between an MCP client and a server that pays the calls of the client. */
export class PayingConnection {
  onclose: (() => void) | undefined
  onerror: ((error: Error) => void) | undefined
  onmessage: MessageListener | undefined
  readonly #transport: McpTransport
  readonly #handler: HttpPaymentHandler
  readonly #observer: CallObserver | undefined
  readonly #resources: Resources
  readonly #capability: PaymentCapability | undefined
  /** Requests that are not answered yet. Most of them never ask for money, so each has one entry. */
  readonly #open = new Map<RequestId, Unasked | RunningCall>()
  readonly #watched = new Map<RequestId, Watched>()
  readonly #running = new Set<Promise<unknown>>()
  #closed = false
  /** Whether the client knows that the connection is gone. */
  #ended = false

  constructor(
    transport: McpTransport,
    handler: HttpPaymentHandler,
    vendor: string,
    observer: CallObserver | undefined,
  ) {
    this.#transport = transport
    this.#handler = handler
    this.#observer = observer
    this.#resources = new Resources('mcp', vendor)
    this.#capability = paymentCapability(handler.acceptPayment)
    this.onclose = transport.onclose
    this.onerror = transport.onerror
    this.onmessage = transport.onmessage
    transport.onmessage = (message, extra) => this.#receive(message, extra)
    transport.onerror = (error) => this.onerror?.(error)
    transport.onclose = () => this.#close()
  }

  start(): Promise<void> {
    this.#closed = false
    this.#ended = false
    return this.#transport.start()
  }

  send(message: object, options?: object): Promise<void> {
    if (!isRequest(message)) {
      this.#heed(message)
      return this.#transport.send(message, options)
    }
    const request = withCapability(message, this.#capability)
    const resource = this.#resources.of(message)
    if (resource === 'none') return this.#transport.send(request, options)
    if (resource !== undefined && this.#handler.payable(resource)) {
      const simple = options === undefined || member(options, 'requestSignal') === undefined
      if (simple && !this.#handler.paysUpfront(resource) && optionsIn(request) === undefined)
        return this.#sendFirst(request, options, resource)
      return this.#pay(request, options, resource)
    }
    if (this.#watched.size >= MOST_WATCHED) this.#watched.clear()
    this.#watched.set(message.id, { resource })
    return this.#transport.send(withPayment(request, 'params', {}), options)
  }

  /** Sends a request without the payment flow. The flow starts if the answer asks for money: most answers do not. */
  #sendFirst(request: RpcRequest, options: object | undefined, resource: ToolResource): Promise<void> {
    const { id } = request
    const demand = new Promise<RpcResponse>((pay) => this.#open.set(id, { pay, asked: false }))
    const entry = this.#open.get(id)
    // Attached here, so that the flow runs in the async context of the caller: `purser.run()` may have set a task there.
    void demand.then((first) => {
      if (this.#open.get(id) === entry) void this.#pay(request, options, resource, first)
    })
    return this.#transport
      .send(withPayment(request, 'params', {}), options)
      .then(undefined, (error: unknown) => {
        // The answer may have come before the error. The client knows that the call failed, so it is not paid any more.
        this.#cancel(id, error)
        throw error
      })
  }

  /**
   * Runs one call through the payment flow.
   *
   * @param first - The answer to the first request, if that was sent already.
   * @returns A promise for the first request alone, as the transport's own `send` does. The answer comes as a message.
   */
  #pay(
    request: RpcRequest,
    options: object | undefined,
    resource: ToolResource,
    first?: RpcResponse,
  ): Promise<void> {
    const call = new RunningCall(this.#transport, request, options, first)
    this.#open.set(request.id, call)
    const end = this.#run(call, resource).then(
      (reply): CallEnd => ({ reply }),
      (error: unknown): CallEnd => ({ error }),
    )
    this.#observer?.started(request, end)
    const done = end.then((ended) => {
      if (this.#open.get(request.id) === call) this.#open.delete(request.id)
      this.#running.delete(done)
      call.ended()
      this.#deliver(call, ended)
    })
    this.#running.add(done)
    return call.firstSend
  }

  async #run(call: RunningCall, resource: ToolResource): Promise<RpcResponse> {
    const { request, signal } = call
    const said = optionsOf(request)
    const exchange = new RpcExchange({
      request,
      resource,
      place: 'params',
      send: (message, how) => (this.#closed ? Promise.reject(new Error(LOST)) : call.ask(message, how)),
      repeatable: () => !this.#closed && (READS.has(request.method) || said?.idempotencyKey !== undefined),
    })
    return this.#handler.run(exchange, { ...said, signal })
  }

  #receive(message: object, extra: object | undefined): void {
    if (isResponse(message)) {
      const entry = this.#open.get(message.id)
      if (entry instanceof RunningCall) {
        entry.receive(message, extra)
        return
      }
      // A second answer to one request is dropped: the client must not take it for the end of a call that is being paid.
      if (entry?.asked === true) return
      if (entry === undefined) this.#noteUnpaid(message)
      else if (mayAsk(message)) {
        entry.asked = true
        entry.pay(message)
        return
      } else this.#open.delete(message.id)
      this.onmessage?.(withoutFunds(message), extra)
      return
    }
    this.onmessage?.(message, extra)
  }

  /** Tells listeners why an answer that asks for money is handed on. */
  #noteUnpaid(reply: RpcResponse & { readonly id: RequestId }): void {
    const watched = this.#watched.get(reply.id)
    if (watched === undefined) return
    this.#watched.delete(reply.id)
    if (mayAsk(reply)) void this.#tellUnpaid(reply, watched)
  }

  async #tellUnpaid(reply: RpcResponse, { resource }: Watched): Promise<void> {
    const { readReply } = await codec()
    const request: RpcRequest = { jsonrpc: '2.0', id: 0, method: '' }
    const at = resource ?? { transport: 'mcp', vendor: '', operation: '', address: '', tool: '' }
    if (readReply(reply, { request, resource: at, answers: undefined }).kind !== 'payment-required') return
    this.#handler.noteUnpaid(reply, resource, resource === undefined ? [UNNAMED] : undefined)
  }

  #deliver(call: RunningCall, end: CallEnd): void {
    // A caller that has cancelled, or that knows that the connection is gone, waits for nothing.
    if (call.signal.aborted || this.#ended || ('error' in end && call.failedWith(end.error))) return
    const reply = 'reply' in end ? withoutFunds(end.reply) : replyForError(call.request, end.error)
    if ('error' in end && reply.error?.code === CODES.internal) this.#report(end.error)
    try {
      this.onmessage?.(reply, call.extra)
    } catch (error) {
      // Transports report an error of their client in the same way.
      this.#report(error)
    }
  }

  #report(error: unknown): void {
    this.onerror?.(error instanceof Error ? error : new Error(String(error)))
  }

  /** A notification or an answer of the client. A cancelled call is not paid any more. */
  #heed(message: object): void {
    if (!('method' in message) || message.method !== 'notifications/cancelled' || !('params' in message))
      return
    const id = member(message.params, 'requestId')
    if (typeof id !== 'string' && typeof id !== 'number') return
    this.#watched.delete(id)
    this.#cancel(id, new DOMException('The call was cancelled.', 'AbortError'))
  }

  /** Ends a call that the client does not wait for any more: nothing is signed for it. */
  #cancel(id: RequestId, reason: unknown): void {
    const entry = this.#open.get(id)
    if (entry instanceof RunningCall) entry.cancel(reason)
    else this.#open.delete(id)
  }

  /** Paid calls get a moment to say where the money is, before the client is told that the connection is gone. */
  #close(): void {
    this.#closed = true
    this.#watched.clear()
    const calls = [...this.#open.values()].filter((entry) => entry instanceof RunningCall)
    this.#open.clear()
    for (const call of calls) {
      this.#open.set(call.request.id, call)
      call.lose(new Error(LOST))
    }
    const ended = (): void => {
      this.#ended = true
      this.onclose?.()
    }
    if (calls.some(({ paid }) => paid))
      void withTimeout(Promise.allSettled(this.#running), CLOSING_MS).then(ended)
    else ended()
  }
}

function optionsIn(request: RpcRequest): unknown {
  return member(metaOf(request, 'params'), CALL_OPTIONS)
}

/** The caller's options for one call, in its `_meta`. */
function optionsOf(request: RpcRequest): CallOptions | undefined {
  const options = optionsIn(request)
  if (options === undefined) return undefined
  return ownCallOptions<CallOptions>(Object(options), {}, `_meta["${CALL_OPTIONS}"]`)
}
