import type { Names } from '../errors/index.js'
import type { FetchLike } from '../fetch/index.js'
import type { CallOptions } from '../pay/index.js'

/** What a message carries: text, or bytes. */
export type SocketData = string | ArrayBuffer

/** What can be sent. */
export type SocketPayload = string | ArrayBuffer | ArrayBufferView<ArrayBuffer>

/** How a socket ended (RFC 6455, section 7.4). 1006: without a word. */
export interface SocketEnd {
  readonly code: number
  /** The server's words, cleaned. */
  readonly reason: string
}

/** What a `WebSocket` tells its listeners, as far as it is read. */
export interface SocketEvent {
  readonly type: string
  readonly data?: unknown
  readonly code?: unknown
  readonly reason?: unknown
}

/** What is used of a `WebSocket`: that of browsers and Node, of `ws`, of undici. */
export interface SocketLike {
  binaryType: string
  readonly bufferedAmount: number
  readonly protocol: string
  addEventListener(type: 'open' | 'message' | 'error' | 'close', listener: (event: SocketEvent) => void): void
  send(data: SocketPayload): void
  close(code?: number, reason?: string): void
  /** Where the implementation can hold the network back. */
  pause?(): void
  resume?(): void
  /** Where it can do without the other side's goodbye. */
  terminate?(): void
}

/** A `WebSocket` class. */
export type SocketClass = new (url: string, protocols?: string | string[]) => SocketLike

/** Bounds on what a server may make a paid socket hold, and on how long it is waited for. */
export interface SocketLimits {
  /** Characters or bytes of one frame. */
  readonly frame: number
  /** Messages that nobody has read yet, and what they come to in characters and bytes. */
  readonly messages: number
  readonly bytes: number
  /** What the implementation may hold of what was sent: `send` waits until it is less. */
  readonly unsent: number
  /** How long the server may take to connect, and to answer a payment: an open waits for its block. */
  readonly answerMs: number
  /** How long it may take to end. */
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

/** What a caller may say about a socket. */
export interface SocketOptions {
  readonly protocols?: string | readonly string[]
  /** The class to use where the runtime has no global `WebSocket`, as Node 20, or where another is wanted. */
  readonly WebSocket?: SocketClass
  /** What may be said about paying for any call. `maxAmount` bounds all that the socket costs. */
  readonly payment?: CallOptions
  /** Ends the socket at any time. */
  readonly signal?: AbortSignal
  readonly limits?: Partial<SocketLimits>
  /** What asks for the price, and delivers top-ups. Default: the global `fetch`, without wrappers of ours. */
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
 * A WebSocket that pays as it is read: iterate it for its messages. What the server says about money reaches nobody but
 * the purser, and what nobody reads is not paid on.
 */
export interface PaidSocket extends AsyncIterable<SocketData, undefined> {
  readonly url: string
  /** The subprotocol that the server chose. */
  readonly protocol: string
  /**
   * Sends a message, and waits while too much is unsent.
   *
   * @throws TypeError for text that the server would take for a word about payment; DOMException if the socket is closed.
   */
  send(data: SocketPayload): Promise<void>
  /**
   * Ends the socket in agreement with the server: what was paid for is accounted for. The session stays open for the
   * next call: `purser.sessions.close` closes it.
   */
  close(): Promise<SocketEnd>
  /** Resolves when the socket is closed, by whomever. */
  readonly closed: Promise<SocketEnd>
}
