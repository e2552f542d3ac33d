import type { Names } from '../errors/index.js'
import type { FetchLike } from '../fetch/index.js'
import type { CallOptions } from '../pay/index.js'

/** The content of a message: text, or bytes. */
export type SocketData = string | ArrayBuffer

/** The data that can be sent. */
export type SocketPayload = string | ArrayBuffer | ArrayBufferView<ArrayBuffer>

/** The end of a socket (RFC 6455, section 7.4). 1006: the connection was lost. */
export interface SocketEnd {
  readonly code: number
  /** The server's reason, cleaned. */
  readonly reason: string
}

/** The used part of an event of `WebSocket`. */
export interface SocketEvent {
  readonly type: string
  readonly data?: unknown
  readonly code?: unknown
  readonly reason?: unknown
}

/** The used part of a `WebSocket`: of browsers and Node, of `ws`, or of undici. */
export interface SocketLike {
  binaryType: string
  readonly bufferedAmount: number
  readonly protocol: string
  addEventListener(type: 'open' | 'message' | 'error' | 'close', listener: (event: SocketEvent) => void): void
  send(data: SocketPayload): void
  close(code?: number, reason?: string): void
  /** Present if the implementation can pause the network. */
  pause?(): void
  resume?(): void
  /** Present if the implementation can close without the other side. */
  terminate?(): void
}

/** A `WebSocket` class. */
export type SocketClass = new (url: string, protocols?: string | string[]) => SocketLike

/** Limits on what a server can make a paid socket hold, and on waiting times. */
export interface SocketLimits {
  /** Characters or bytes of one frame. */
  readonly frame: number
  /** Unread messages, and their total in characters and bytes. */
  readonly messages: number
  readonly bytes: number
  /** The unsent data that the implementation may hold. Above it, `send` waits. */
  readonly unsent: number
  /** How long the server may take to connect, and to answer a payment. The opening of a session waits for a block. */
  readonly answerMs: number
  /** How long closing may take. */
  readonly closeMs: number
}

const MIB = 1024 * 1024

export const DEFAULT_SOCKET_LIMITS: SocketLimits = {
  frame: MIB,
  messages: 1024,
  bytes: 16 * MIB,
  unsent: MIB,
  answerMs: 60_000,
  closeMs: 5_000,
}

/** Options of a socket. */
export interface SocketOptions {
  readonly protocols?: string | readonly string[]
  /** The class to use, if the runtime has no global `WebSocket` (as in Node 20) or if you want another one. */
  readonly WebSocket?: SocketClass
  /** The payment options of this call. `maxAmount` limits the total cost of the socket. */
  readonly payment?: CallOptions
  /** Ends the socket at any time. */
  readonly signal?: AbortSignal
  readonly limits?: Partial<SocketLimits>
  /** Sends the request for the price, and top-ups. Default: the global `fetch`, without wrappers of Purser. */
  readonly fetch?: FetchLike
}

export const SOCKET_OPTIONS: Names<SocketOptions> = {
  protocols: true,
  WebSocket: true,
  payment: true,
  signal: true,
  limits: true,
  fetch: true,
}

/**
 * A WebSocket that pays while you read it: iterate it for its messages. Only the purser sees the server's payment
 * frames, and it does not pay for unread data.
 */
export interface PaidSocket extends AsyncIterable<SocketData, undefined> {
  readonly url: string
  /** The subprotocol that the server chose. */
  readonly protocol: string
  /**
   * Sends a message, and waits while too much data is unsent.
   *
   * @throws TypeError for text that the server would read as a payment frame; DOMException if the socket is closed.
   */
  send(data: SocketPayload): Promise<void>
  /**
   * Closes the socket together with the server, which settles what was paid for. The session stays open for the next
   * call; `purser.sessions.close` closes it.
   */
  close(): Promise<SocketEnd>
  /** Resolves when the socket is closed, by either side. */
  readonly closed: Promise<SocketEnd>
}
