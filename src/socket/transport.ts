import { clean } from '../errors/index.js'
import { isBuffer } from '../protocol/index.js'
import { sleep } from '../util/timers.js'
import { withTimeout } from '../util/with-timeout.js'
import { networkFailure } from './ends.js'
import type { SocketData, SocketEnd, SocketEvent, SocketLike, SocketLimits, SocketPayload } from './types.js'

/** The events of a transport. There are none after this side has closed it. */
export interface SocketTransportEvents {
  frame(data: SocketData): void
  /** The other side closed the socket, or the connection was lost. */
  lost(end: SocketEnd): void
}

/** The close code of a connection that was lost. */
const ABNORMAL = 1006
const PAUSE_MS = 10

/** A `WebSocket` of any implementation, with one start and one end. */
export class SocketTransport {
  /** Rejects with a NetworkError. */
  readonly opened: Promise<void>
  readonly closed: Promise<SocketEnd>
  readonly #socket: SocketLike
  readonly #limits: SocketLimits
  #open = () => {}
  #refuse: (error: unknown) => void = () => {}
  #end: (end: SocketEnd) => void = () => {}
  #over = false

  constructor(socket: SocketLike, on: SocketTransportEvents, limits: SocketLimits) {
    this.#socket = socket
    this.#limits = limits
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve
      this.#refuse = reject
    })
    this.closed = new Promise((resolve) => {
      this.#end = resolve
    })
    socket.binaryType = 'arraybuffer'
    let open = false
    socket.addEventListener('open', () => {
      open = true
      this.#open()
    })
    socket.addEventListener('message', ({ data }) => {
      if (!this.#over) on.frame(dataOf(data))
    })
    const lost = (end: SocketEnd): void => {
      if (!this.#over) {
        this.#stop()
        on.lost(end)
      }
      this.#end(end)
    }
    socket.addEventListener('close', (event) => lost(endOf(event)))
    // An open socket also emits `close`. A socket that never opened does not, in some implementations.
    socket.addEventListener('error', () => {
      if (!open) lost({ code: ABNORMAL, reason: '' })
    })
    const settled = this.opened.catch(() => undefined)
    void withTimeout(settled, limits.answerMs).then(() => {
      if (!open && !this.#over) lost({ code: ABNORMAL, reason: '' })
      if (!open) socket.close()
    })
  }

  get over(): boolean {
    return this.#over
  }

  get protocol(): string {
    return this.#socket.protocol
  }

  /** @throws DOMException if the socket is closed. */
  send(data: SocketPayload): void {
    if (this.#over) throw networkFailure('The socket is closed.')
    this.#socket.send(data)
  }

  /** Waits until sent data has left, but no longer than the limit if the implementation does not show it. */
  async drained(): Promise<void> {
    while (!this.#over && this.#socket.bufferedAmount > this.#limits.unsent) await sleep(PAUSE_MS)
  }

  hold(): void {
    this.#socket.pause?.()
  }

  release(): void {
    this.#socket.resume?.()
  }

  close(code: number): void {
    if (this.#over) return
    this.#stop()
    // A paused socket would also hold back the other side's close frame.
    this.#socket.resume?.()
    this.#socket.close(code)
    void withTimeout(this.closed, this.#limits.closeMs).then(() => {
      this.#socket.terminate?.()
      this.#end({ code: ABNORMAL, reason: '' })
    })
  }

  #stop(): void {
    this.#over = true
    this.#refuse(networkFailure('The WebSocket could not be opened.'))
  }
}

/** Purser asked for binary data as bytes, so anything else is empty. */
function dataOf(data: unknown): SocketData {
  if (typeof data === 'string' || isBuffer(data)) return data
  if (!ArrayBuffer.isView(data)) return ''
  const copy = new Uint8Array(data.byteLength)
  copy.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  return copy.buffer
}

function endOf({ code, reason }: SocketEvent): SocketEnd {
  return {
    code: typeof code === 'number' ? code : ABNORMAL,
    reason: typeof reason === 'string' ? clean(reason) : '',
  }
}
