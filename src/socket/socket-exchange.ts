import { PaymentError, type PaymentRefusedError } from '../errors/index.js'
import type { HttpExchange } from '../http/index.js'
import {
  type Exchange,
  type Metered,
  type RefusalProblem,
  refusedError,
  type SendOptions,
} from '../pay/index.js'
import type {
  Challenge,
  Credential,
  HttpResource,
  Problem,
  Receipt,
  ReplyInfo,
  Resource,
} from '../protocol/index.js'
import { own } from '../util/objects.js'
import type { Answer, Connection } from './connection.js'
import type { PaidSocket } from './types.js'

/** The reply to the request for the price. */
export class PriceReply {
  readonly response: Response
  constructor(response: Response) {
    this.response = response
  }
}

/** The server's refusal of a payment. */
class Rejection {
  readonly answer: Extract<Answer, { ok: false }>
  constructor(answer: Extract<Answer, { ok: false }>) {
    this.answer = answer
  }
}

/** The result of an exchange: a reply without a payment, a paid socket, or a refusal. */
export type SocketReply = PriceReply | PaidSocket | Rejection | PaymentRefusedError

/** A WebSocket as an exchange. The price and top-ups use HTTP at the same address; vouchers go through the socket. */
export class SocketExchange implements Exchange<SocketReply> {
  readonly resource: HttpResource
  readonly key?: string
  readonly #http: HttpExchange<Response>
  readonly #dial: () => Connection
  readonly #protocols: readonly string[]
  readonly #receipts = new WeakMap<PaidSocket, Receipt>()
  #connection: Connection | undefined
  /** The error that kept the socket from opening. */
  #unreachable: unknown

  /** @param dial Opens a socket. A payment that is sent again needs a new one. */
  constructor(http: HttpExchange<Response>, protocols: readonly string[], dial: () => Connection) {
    this.resource = http.resource
    if (http.key !== undefined) this.key = http.key
    this.#http = http
    this.#protocols = protocols
    this.#dial = dial
  }

  get connection(): Connection | undefined {
    return this.#connection
  }

  get unreachable(): unknown {
    return this.#unreachable
  }

  /** An HTTP request to the same address is a different purchase. */
  async fingerprint(): Promise<string> {
    return JSON.stringify(['socket', ...this.#protocols, await this.#http.fingerprint()])
  }

  async send({ credential, ...options }: SendOptions): Promise<SocketReply> {
    if (credential === undefined) return new PriceReply(await this.#http.send(options))
    const connection = await this.#fresh()
    const answer = await connection.authorize(credential, options.signal)
    if (!answer.ok) return new Rejection(answer)
    this.#receipts.set(connection.socket, answer.receipt)
    return connection.socket
  }

  mayRequirePayment(reply: SocketReply): boolean {
    return reply instanceof PriceReply && this.#http.mayRequirePayment(reply.response)
  }

  async read(reply: SocketReply): Promise<ReplyInfo> {
    if (reply instanceof PaymentError) return { kind: 'response', ok: false, status: 402 }
    if (reply instanceof Rejection) {
      const { status } = reply.answer
      // The refusal contains no challenge, and another credential needs another socket.
      return this.#asks(reply.answer, status === 402 ? await this.#ask() : [])
    }
    if (!(reply instanceof PriceReply)) {
      const receipt = this.#receipts.get(reply)
      return { kind: 'response', ok: true, status: 101, ...(receipt === undefined ? {} : { receipt }) }
    }
    const reading = await this.#http.read(reply.response)
    return reading.kind === 'payment-required'
      ? own({ ...reading, offers: sessionsAmong(reading.offers) })
      : reading
  }

  /** Opens the socket before anything is signed, so that an unreachable server costs nothing. */
  async check(challenge: Credential['challenge'], at: Resource): Promise<void> {
    await this.#http.check(challenge, at)
    if (this.#connection?.paid === true) return
    try {
      await this.#fresh()
    } catch (cause) {
      this.#unreachable = cause
      throw cause instanceof PaymentError
        ? cause
        : new PaymentError('not_replayable', 'untouched', 'The WebSocket could not be opened.', { cause })
    }
  }

  discard(reply: SocketReply): void {
    if (reply instanceof PriceReply) this.#http.discard(reply.response)
  }

  async sendAside(credential: Credential | undefined, signal?: AbortSignal): Promise<ReplyInfo> {
    if (credential === undefined) return this.#asks({}, await this.#ask(signal))
    if (credential.payload['action'] === 'topUp') return this.#http.sendAside(credential, signal)
    const connection = this.#connection
    if (connection === undefined)
      throw new PaymentError('not_replayable', 'untouched', 'There is no socket to pay through yet.')
    const answer = await connection.authorize(credential, signal)
    return answer.ok
      ? { kind: 'response', ok: true, status: 101, receipt: answer.receipt }
      : this.#asks(answer, [])
  }

  async metered(reply: SocketReply): Promise<Metered<SocketReply> | undefined> {
    const connection = this.#connection
    return connection?.socket === reply ? connection.metered() : undefined
  }

  refuse(problem: RefusalProblem): PaymentRefusedError {
    return refusedError(problem)
  }

  /** Returns a socket that no payment has used yet. */
  async #fresh(): Promise<Connection> {
    // A server that breaks the protocol before it is paid would break it again.
    const { used, failure } = this.#connection ?? {}
    if (used === false && failure instanceof PaymentError) throw failure
    if (this.#connection === undefined || this.#connection.used || this.#connection.over) {
      this.#connection?.fail(undefined)
      this.#connection = this.#dial()
    }
    await this.#connection.opened
    return this.#connection
  }

  async #ask(signal?: AbortSignal): Promise<readonly Challenge[]> {
    const response = await this.#http.send(signal === undefined ? {} : { signal })
    const reading = await this.#http.read(response)
    this.#http.discard(response)
    return reading.kind === 'payment-required' ? sessionsAmong(reading.offers) : []
  }

  #asks(refusal: Partial<Rejection['answer']>, offers: readonly Challenge[]): ReplyInfo {
    const problem = problemOf(refusal)
    return own({
      kind: 'payment-required',
      at: this.resource,
      offers,
      ...(problem === undefined ? {} : { problem }),
    })
  }
}

/** The problem of a refusal, with its status: 402 asks for money, 410 means that the session is unknown. */
function problemOf({ problem, status }: { problem?: Problem; status?: number }): Problem | undefined {
  return status === undefined ? problem : own({ type: 'about:blank', ...problem, status })
}

/** Only a running total can be increased while a socket is open. */
function sessionsAmong(offers: readonly Challenge[]): readonly Challenge[] {
  return offers.filter(({ kind }) => kind.endsWith('/session'))
}
