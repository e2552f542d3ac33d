import { LatestEvents } from '../http/wire/sse/index.js'
import type { MeterEvent, Metered } from '../pay/index.js'
import type { Credential, JsonObject, Problem, Receipt } from '../protocol/index.js'
import { ONCE } from '../util/objects.js'
import { withTimeout } from '../util/with-timeout.js'
import { moneyFailure, networkFailure, tooMuch } from './ends.js'
import { authorizationFrame, CLOSE_REQUEST, type Frame } from './frames.js'
import { MessageBuffer } from './message-buffer.js'
import { SocketTransport } from './transport.js'
import type { PaidSocket, SocketData, SocketEnd, SocketLike, SocketLimits, SocketPayload } from './types.js'

/** The server's answer to a credential. */
export type Answer =
  | { readonly ok: true; readonly receipt: Receipt }
  | { readonly ok: false; readonly status: number; readonly problem?: Problem }

interface Asker {
  resolve(answer: Answer): void
  reject(error: unknown): void
}

const GOODBYE = 1000
/** Clients may close with 1000 or 3000 to 4999 (WHATWG WebSockets, `close`). The reference client uses this code. */
const BROKEN_OFF = 3008
/** The codes of an orderly end. 1005 means that the peer sent no code. */
const ORDERLY = [1000, 1005]

/** One WebSocket, sorted: messages for the caller, and payment frames for the payment flow. */
export class Connection {
  /** The object that the caller gets. */
  readonly socket: PaidSocket
  readonly opened: Promise<void>
  readonly #transport: SocketTransport
  readonly #limits: SocketLimits
  readonly #read: (text: string) => Frame
  readonly #messages: MessageBuffer
  readonly #latest = new LatestEvents()
  #asker: Asker | undefined
  /** The channel that pays for this socket, once a credential was sent. */
  #channel: string | undefined
  readonly #challenges: string[] = []
  #accepted = 0
  #received = 0
  #frames = 0
  #heard = () => {}
  #followed = false
  #closing = false
  /** Resolves when the payment flow has dealt with the last event. */
  #idle: Promise<void> = Promise.resolve()
  #over = false
  #failure: unknown
  #ended = () => {}
  readonly #end = new Promise<void>((resolve) => {
    this.#ended = resolve
  })

  /** @param read Reads a frame of text. On a socket that was never asked to pay, every frame is content. */
  constructor(socket: SocketLike, url: string, read: (text: string) => Frame, limits: SocketLimits) {
    this.#limits = limits
    this.#read = read
    this.#messages = new MessageBuffer(limits, {
      need: (need) => this.#tellNeed(need),
      full: () => this.#transport.hold(),
      eased: () => this.#transport.release(),
    })
    this.#transport = new SocketTransport(
      socket,
      { frame: (data) => this.#frame(data), lost: (end) => this.#lost(end) },
      limits,
    )
    this.opened = this.#transport.opened
    this.socket = socketOf(this, url, this.#transport, this.#messages)
  }

  get over(): boolean {
    return this.#over
  }

  /** The error that ended the socket, if it did not end well. */
  get failure(): unknown {
    return this.#failure
  }

  /** Whether a payment was sent through this socket. */
  get used(): boolean {
    return this.#channel !== undefined
  }

  /** Whether the server has accepted a payment. It then serves, and all further payments use this socket. */
  get paid(): boolean {
    return this.#accepted > 0
  }

  /**
   * Sends a credential, and waits for the server's answer.
   *
   * @throws DOMException if the socket ends first; PaymentError if the server does not answer or breaks the protocol.
   */
  async authorize(credential: Credential, signal?: AbortSignal): Promise<Answer> {
    signal?.throwIfAborted()
    const { challenge, payload } = credential
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#asker = { resolve, reject }
    })
    const abort = (): void => {
      this.#asker?.reject(signal?.reason)
      this.#asker = undefined
    }
    signal?.addEventListener('abort', abort, ONCE)
    try {
      this.#transport.send(authorizationFrame(credential))
      this.#channel = lower(payload['channelId']) ?? this.#channel ?? ''
      this.#challenges.push(challenge.id)
      await withTimeout(
        answer.catch(() => undefined),
        this.#limits.answerMs,
      )
      if (this.#asker !== undefined)
        this.fail(moneyFailure('unknown', 'The server did not answer a payment.'))
      return await answer
    } finally {
      this.#asker = undefined
      signal?.removeEventListener('abort', abort)
    }
  }

  /** From now on, the payment flow hears the server's payment events. */
  metered(): Metered<PaidSocket> {
    this.#followed = true
    return {
      reply: this.socket,
      events: { [Symbol.asyncIterator]: () => this.#events() },
      end: this.#latest.end,
      // Otherwise the server and the reader would wait forever.
      declined: (why) => {
        if (!this.#closing) this.fail(why)
      },
    }
  }

  async send(data: SocketPayload): Promise<void> {
    // The caller may relay data from others, so its text must not look like a payment frame.
    const { kind } = typeof data === 'string' ? this.#read(data) : { kind: 'content' }
    if (kind !== 'content')
      throw new TypeError('The server would take this message for a word about payment, so it is not sent')
    this.#transport.send(data)
    await this.#transport.drained()
  }

  async close(): Promise<SocketEnd> {
    if (!this.#over && this.used && !this.#closing) {
      this.#closing = true
      // A payment in progress comes first, so that its answer arrives before the last receipt.
      await withTimeout(this.#idle, this.#limits.closeMs)
      if (!this.#over) this.#transport.send(CLOSE_REQUEST)
      await withTimeout(this.#end, this.#limits.closeMs)
    }
    this.#finish('broken', GOODBYE)
    return this.#transport.closed
  }

  /** Closes the socket because of an error of Purser or its caller. */
  fail(error: unknown): void {
    this.#finish('broken', BROKEN_OFF, error)
  }

  #frame(data: SocketData): void {
    this.#frames++
    this.#heard()
    const size = typeof data === 'string' ? data.length : data.byteLength
    const frame = typeof data === 'string' ? this.#read(data) : ({ kind: 'content', data } as const)
    if (size > this.#limits.frame)
      this.fail(tooMuch(`A frame was longer than ${this.#limits.frame} characters or bytes.`))
    else if (frame.kind === 'content') this.#content(frame.data, size)
    else if (frame.kind === 'unreadable') this.fail(this.#broken('The server sent an unreadable frame.'))
    else if (frame.kind === 'other') return
    else if (this.used || frame.kind === 'error') this.#money(frame)
    else this.fail(this.#broken('The server spoke of payments before there was one.'))
  }

  #content(data: SocketData, size: number): void {
    this.#received++
    if (this.#messages.message(data, size) || this.#closing) return
    this.fail(tooMuch('The server sent more messages than are held for a reader.'))
  }

  #money(frame: Extract<Frame, { kind: 'need' | 'receipt' | 'ready' | 'error' }>): void {
    if (frame.kind === 'need') this.#need(frame.claims)
    else if (frame.kind === 'error') this.#refused(frame)
    else if (frame.kind === 'ready') this.#ready(frame.receipt)
    else if (this.#asker !== undefined) this.#answer({ ok: true, receipt: frame.receipt })
    else this.#latest.tell(frame)
  }

  #need(claims: JsonObject): void {
    if (lower(claims['channelId']) !== this.#channel)
      this.fail(this.#broken('The server asked for payment on another channel.'))
    else if (!this.#closing) this.#messages.need({ kind: 'need', claims, after: this.#received })
  }

  /** Receives a receipt. A receipt for an earlier challenge brings no news, because that payment has its own. */
  #ready(receipt: Receipt): void {
    if (this.#challenges.lastIndexOf(receipt.challengeId ?? '') <= 0)
      this.#latest.tell({ kind: 'receipt', receipt })
    this.#finish('whole', GOODBYE)
  }

  /** Handles a refusal. The server leaves such a socket open and does not serve it: its close reason was too long. */
  #refused({ status, message, problem }: Extract<Frame, { kind: 'error' }>): void {
    const asked = this.#asker !== undefined
    const error = this.#broken(`The server ended the payment (${status}). ${message ?? ''}`.trim())
    this.#answer({ ok: false, status, ...(problem === undefined ? {} : { problem }) })
    // If this answers a payment, the payment flow must still store the result.
    this.#finish(asked ? 'whole' : 'broken', BROKEN_OFF, error)
  }

  #answer(answer: Answer): void {
    if (answer.ok) this.#accepted++
    this.#asker?.resolve(answer)
    this.#asker = undefined
  }

  #tellNeed(need: MeterEvent): void {
    if (this.#over) return
    if (this.#followed) this.#latest.tell(need)
    // A payment of another call arrived late. Purser does not pay for more here.
    else this.fail(this.#broken('The server asked for more than was paid for earlier.'))
  }

  async *#events(): AsyncGenerator<MeterEvent> {
    for await (const event of this.#latest) {
      const before = this.#accepted
      let done = (): void => {}
      this.#idle = new Promise((resolve) => {
        done = resolve
      })
      try {
        yield event
      } finally {
        done()
      }
      if (event.kind === 'need' && this.#accepted === before) void this.#mustGoOn()
    }
  }

  /** Reports that this need was not paid. If another socket of the channel was faster, the server has what it needs. */
  async #mustGoOn(): Promise<void> {
    const { length } = this.#challenges
    const frames = this.#frames
    const heard = new Promise<void>((resolve) => {
      this.#heard = resolve
    })
    await withTimeout(Promise.race([heard, this.#end]), this.#limits.answerMs)
    if (this.#frames === frames && this.#challenges.length === length)
      this.fail(this.#broken('The server asked for more, and did not get it.'))
  }

  #lost(end: SocketEnd): void {
    const orderly = ORDERLY.includes(end.code)
    const error = orderly ? undefined : networkFailure(`The socket was closed (${end.code}).`)
    this.#finish('broken', GOODBYE, this.#closing ? undefined : error)
  }

  #finish(how: 'whole' | 'broken', code: number, error?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#failure = error
    this.#transport.close(code)
    this.#asker?.reject(error ?? networkFailure('The socket was closed before it was paid for.'))
    this.#asker = undefined
    this.#latest.stop(how)
    // A caller that reads to a good end then finds everything stored.
    if (how === 'whole' && error === undefined)
      void withTimeout(this.#idle, this.#limits.closeMs).then(() => this.#messages.end())
    else this.#messages.end(error)
    this.#ended()
  }

  /** An error that says what is known about the money of the last credential. */
  #broken(message: string): unknown {
    if (!this.used) return moneyFailure('untouched', message)
    return moneyFailure(this.#asker === undefined && this.paid ? 'settled' : 'unknown', message)
  }
}

/** The caller's side of a connection, without the methods of the payment flow. */
function socketOf(
  connection: Connection,
  url: string,
  line: SocketTransport,
  inbox: MessageBuffer,
): PaidSocket {
  return Object.freeze<PaidSocket>({
    url,
    get protocol() {
      return line.protocol
    },
    send: (data) => connection.send(data),
    close: () => connection.close(),
    closed: line.closed,
    [Symbol.asyncIterator]: () => ({
      next: () => inbox.next(),
      async return() {
        await connection.close()
        return { done: true, value: undefined }
      },
    }),
  })
}

function lower(value: JsonObject[string] | undefined): string | undefined {
  return typeof value === 'string' ? value.toLowerCase() : undefined
}
