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

/** What the server made of an authorization. */
export type Answer =
  | { readonly ok: true; readonly receipt: Receipt }
  | { readonly ok: false; readonly status: number; readonly problem?: Problem }

interface Asker {
  resolve(answer: Answer): void
  reject(error: unknown): void
}

const GOODBYE = 1000
/** A client may close with 1000 or 3000 to 4999 (WHATWG WebSockets, `close`): this is what the reference client says. */
const BROKEN_OFF = 3008
/** An end in order: 1005 is one without a code. */
const ORDERLY = [1000, 1005]

/** One WebSocket, sorted: messages for the caller, and what is said about money for the payment story. */
export class Connection {
  /** What the caller holds. */
  readonly socket: PaidSocket
  readonly opened: Promise<void>
  readonly #line: SocketTransport
  readonly #limits: SocketLimits
  readonly #read: (text: string) => Frame
  readonly #inbox: MessageBuffer
  readonly #news = new LatestEvents()
  #asker: Asker | undefined
  /** The channel that it is paid from, once something was sent. */
  #channel: string | undefined
  readonly #challenges: string[] = []
  #accepted = 0
  #received = 0
  #frames = 0
  #heard = () => {}
  #followed = false
  #closing = false
  /** Resolves when the story has dealt with what it was told. */
  #idle: Promise<void> = Promise.resolve()
  #over = false
  #failure: unknown
  #ended = () => {}
  readonly #end = new Promise<void>((resolve) => {
    this.#ended = resolve
  })

  /** @param read What a frame of text is: nothing is read as money on a socket that was never asked to pay. */
  constructor(socket: SocketLike, url: string, read: (text: string) => Frame, limits: SocketLimits) {
    this.#limits = limits
    this.#read = read
    this.#inbox = new MessageBuffer(limits, {
      need: (need) => this.#tellNeed(need),
      full: () => this.#line.hold(),
      eased: () => this.#line.release(),
    })
    this.#line = new SocketTransport(
      socket,
      { frame: (data) => this.#frame(data), lost: (end) => this.#lost(end) },
      limits,
    )
    this.opened = this.#line.opened
    this.socket = faceOf(this, url, this.#line, this.#inbox)
  }

  get over(): boolean {
    return this.#over
  }

  /** What it ended with, where that was no good end. */
  get failure(): unknown {
    return this.#failure
  }

  /** Was it used for a payment already? */
  get used(): boolean {
    return this.#channel !== undefined
  }

  /** Has the server taken a payment? Then it serves, and every further payment goes this way. */
  get paid(): boolean {
    return this.#accepted > 0
  }

  /**
   * Sends a credential, and waits for what the server says to it.
   *
   * @throws DOMException if the socket ends before that; PaymentError if the server is silent or breaks the rules.
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
      this.#line.send(authorizationFrame(credential))
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

  /** From here on a payment story hears what the server says about money. */
  metered(): Metered<PaidSocket> {
    this.#followed = true
    return {
      reply: this.socket,
      events: { [Symbol.asyncIterator]: () => this.#events() },
      end: this.#news.end,
      // It would wait for ever, and the reader with it.
      declined: (why) => {
        if (!this.#closing) this.fail(why)
      },
    }
  }

  async send(data: SocketPayload): Promise<void> {
    // Whatever the caller relays: it shall not speak for the purser.
    const { kind } = typeof data === 'string' ? this.#read(data) : { kind: 'content' }
    if (kind !== 'content')
      throw new TypeError('The server would take this message for a word about payment, so it is not sent')
    this.#line.send(data)
    await this.#line.drained()
  }

  async close(): Promise<SocketEnd> {
    if (!this.#over && this.used && !this.#closing) {
      this.#closing = true
      // What is being paid goes before it, so that its answer comes before the last receipt.
      await withTimeout(this.#idle, this.#limits.closeMs)
      if (!this.#over) this.#line.send(CLOSE_REQUEST)
      await withTimeout(this.#end, this.#limits.closeMs)
    }
    this.#finish('broken', GOODBYE)
    return this.#line.closed
  }

  /** Breaks it off, for a reason of ours. */
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
    if (this.#inbox.message(data, size) || this.#closing) return
    this.fail(tooMuch('The server sent more messages than are held for a reader.'))
  }

  #money(frame: Extract<Frame, { kind: 'need' | 'receipt' | 'ready' | 'error' }>): void {
    if (frame.kind === 'need') this.#need(frame.claims)
    else if (frame.kind === 'error') this.#refused(frame)
    else if (frame.kind === 'ready') this.#ready(frame.receipt)
    else if (this.#asker !== undefined) this.#answer({ ok: true, receipt: frame.receipt })
    else this.#news.tell(frame)
  }

  #need(claims: JsonObject): void {
    if (lower(claims['channelId']) !== this.#channel)
      this.fail(this.#broken('The server asked for payment on another channel.'))
    else if (!this.#closing) this.#inbox.need({ kind: 'need', claims, after: this.#received })
  }

  /** A receipt for a later challenge is no news: the payment on that challenge has had its own. */
  #ready(receipt: Receipt): void {
    if (this.#challenges.lastIndexOf(receipt.challengeId ?? '') <= 0)
      this.#news.tell({ kind: 'receipt', receipt })
    this.#finish('whole', GOODBYE)
  }

  /** The server leaves the socket open, and serves it no more: it means to close it, with too long a reason. */
  #refused({ status, message, problem }: Extract<Frame, { kind: 'error' }>): void {
    const asked = this.#asker !== undefined
    const error = this.#broken(`The server ended the payment (${status}). ${message ?? ''}`.trim())
    this.#answer({ ok: false, status, ...(problem === undefined ? {} : { problem }) })
    // Where it answers a payment, what that means is still to be written down.
    this.#finish(asked ? 'whole' : 'broken', BROKEN_OFF, error)
  }

  #answer(answer: Answer): void {
    if (answer.ok) this.#accepted++
    this.#asker?.resolve(answer)
    this.#asker = undefined
  }

  #tellNeed(need: MeterEvent): void {
    if (this.#over) return
    if (this.#followed) this.#news.tell(need)
    // What another call had paid for came late, and is not paid on.
    else this.fail(this.#broken('The server asked for more than was paid for earlier.'))
  }

  async *#events(): AsyncGenerator<MeterEvent> {
    for await (const event of this.#news) {
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

  /** It was not paid on, for now: where another socket of the same channel was faster, the server has what it needs. */
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
    this.#line.close(code)
    this.#asker?.reject(error ?? networkFailure('The socket was closed before it was paid for.'))
    this.#asker = undefined
    this.#news.stop(how)
    // Whoever has read to a good end finds all of it written down.
    if (how === 'whole' && error === undefined)
      void withTimeout(this.#idle, this.#limits.closeMs).then(() => this.#inbox.end())
    else this.#inbox.end(error)
    this.#ended()
  }

  /** What it says about money is what is known of the latest that was sent. */
  #broken(message: string): unknown {
    if (!this.used) return moneyFailure('untouched', message)
    return moneyFailure(this.#asker === undefined && this.paid ? 'settled' : 'unknown', message)
  }
}

/** What the caller may do with it, and nothing that the story does. */
function faceOf(
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
