import { isPaymentError, ownOptions, PaymentRefusedError } from '../errors/index.js'
import { httpCall, noStore } from '../fetch/index.js'
import { type HttpPaymentHandler, handlerOf, isConfidential, resourceAt } from '../http/index.js'
import { checkDuration } from '../money/index.js'
import { type CallOptions, ownCallOptions } from '../pay/index.js'
import { ONCE } from '../util/objects.js'
import { Connection } from './connection.js'
import { plainFrame, readFrame } from './frames.js'
import { PriceReply, SocketExchange } from './socket-exchange.js'
import {
  DEFAULT_SOCKET_LIMITS,
  type PaidSocket,
  SOCKET_OPTIONS,
  type SocketClass,
  type SocketLimits,
  type SocketOptions,
} from './types.js'

/**
 * Opens a WebSocket that may cost money, and pays for it message by message within the purser's policy.
 *
 * Purser first requests the address by HTTP. If the answer is 402 with a session that policy allows, the session pays
 * for the socket. If the server asks for no money, or if policy could never pay there, an ordinary socket is opened.
 *
 * @throws TypeError for a malformed address, an unknown purser, or a runtime without `WebSocket`; PaymentRefusedError
 * if the payment is refused; PaymentError if a credential left and no socket came of it; DOMException if the socket
 * cannot be opened.
 * @example
 * ```ts
 * const socket = await openSocket(purser, 'wss://api.search.example/v1/live', { payment: { maxAmount: '0.50' } })
 * for await (const message of socket) console.log(message)
 * ```
 */
export async function openSocket(
  purser: object,
  url: string | URL,
  given: SocketOptions = {},
): Promise<PaidSocket> {
  const options = ownOptions(given, SOCKET_OPTIONS, 'openSocket()')
  if (options.payment !== undefined) ownCallOptions<CallOptions>(options.payment, {}, 'payment')
  const handler = handlerOf(purser)
  const { signal } = options
  signal?.throwIfAborted()
  const target = targetOf(url)
  const dial = dialler(target, options)
  const payable = isPayable(target) && handler.payable(resourceAt(new URL(target.http), 'GET'))
  const connection = payable ? await paid(handler, target, dial, options) : undefined
  return watched(connection ?? (await plain(dial, signal)), signal)
}

interface Target {
  readonly http: string
  readonly socket: string
}

type Dial = (read: typeof readFrame) => Connection

/** Opens a paid socket. Undefined if the server asks for no money. */
async function paid(
  handler: HttpPaymentHandler,
  target: Target,
  dial: Dial,
  { payment, signal, fetch, protocols }: SocketOptions,
): Promise<Connection | undefined> {
  const init = { redirect: 'manual', ...noStore(), ...(signal ? { signal } : {}) } as const
  const { exchange: http } = httpCall(handler, target.http, init, fetch ? { base: fetch } : {})
  const exchange = new SocketExchange(http, listOf(protocols), () => dial(readFrame))
  let kept: Connection | undefined
  try {
    const reply = await handler.run(exchange, { ...payment, ...(signal ? { signal } : {}) })
    if (reply instanceof PaymentRefusedError) throw reply
    if (!(reply instanceof PriceReply)) kept = exchange.connection
    else if (exchange.mayRequirePayment(reply))
      throw new PaymentRefusedError('The server asks for money, and for no session that could be paid here.')
    else exchange.discard(reply)
    return kept
  } catch (error) {
    const unreachable = isPaymentError(error, 'not_replayable') ? exchange.unreachable : undefined
    throw unreachable ?? error
  } finally {
    // A socket that was opened for a payment that did not happen.
    if (kept === undefined) exchange.connection?.fail(undefined)
  }
}

async function plain(dial: Dial, signal: AbortSignal | undefined): Promise<Connection> {
  const connection = dial(plainFrame)
  const abort = (): void => connection.fail(signal?.reason)
  signal?.addEventListener('abort', abort, ONCE)
  try {
    await connection.opened
    return connection
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/** Ends the socket when the caller's signal aborts. */
function watched(connection: Connection, signal: AbortSignal | undefined): PaidSocket {
  const { socket } = connection
  if (signal === undefined) return socket
  const abort = (): void => connection.fail(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, ONCE)
  void socket.closed.then(() => signal.removeEventListener('abort', abort))
  return socket
}

/** Writes the address in two ways: with the scheme of WebSockets, and with the scheme of HTTP. */
function targetOf(url: string | URL): Target {
  const http = new URL(url)
  const { protocol } = http
  if (protocol === 'ws:') http.protocol = 'http:'
  else if (protocol === 'wss:') http.protocol = 'https:'
  else if (protocol !== 'http:' && protocol !== 'https:')
    throw new TypeError('A WebSocket has an address that begins with wss: or ws:')
  http.hash = ''
  const socket = new URL(http)
  socket.protocol = http.protocol === 'https:' ? 'wss:' : 'ws:'
  return { http: http.href, socket: socket.href }
}

function isPayable({ http }: Target): boolean {
  const url = new URL(http)
  return isConfidential(url) && url.username === '' && url.password === ''
}

/** @throws TypeError if there is no `WebSocket`. */
function dialler(target: Target, { protocols, WebSocket, limits }: SocketOptions): Dial {
  const own = ownOptions<Partial<SocketLimits>>(limits ?? {}, DEFAULT_SOCKET_LIMITS, 'limits of openSocket()')
  const bounds = { ...DEFAULT_SOCKET_LIMITS, ...own }
  for (const name of ['answerMs', 'closeMs'] as const) checkDuration(`limits.${name}`, bounds[name])
  const Class: SocketClass | undefined = WebSocket ?? globalThis.WebSocket
  if (Class === undefined)
    throw new TypeError('This runtime has no WebSocket: hand one over as `WebSocket`, such as that of `ws`')
  const names = listOf(protocols)
  return (read) =>
    new Connection(
      new Class(target.socket, names.length === 0 ? undefined : [...names]),
      target.socket,
      read,
      bounds,
    )
}

function listOf(protocols: SocketOptions['protocols']): readonly string[] {
  if (protocols === undefined) return []
  return typeof protocols === 'string' ? [protocols] : protocols
}
