import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { PurserOptions } from '../../src/index.js'
import { decodeBase64url, encodeBase64url, type JsonObject } from '../../src/protocol/index.js'
import { openSocket, type SocketData, type SocketOptions } from '../../src/socket/index.js'
import { type Till, till } from '../fetch/sse/kit.js'
import { CHANNEL } from '../pay/totals.js'

export const PRICE = 10_000n

export const totals = (...times: number[]): bigint[] => times.map((each) => BigInt(each) * PRICE)

/** What a server's script does on a socket. */
export interface Stage {
  readonly socket: WebSocket
  /** Which socket it is: 0 is the first. */
  readonly turn: number
  raw(data: string | Uint8Array): void
  frame(mpp: string, more?: JsonObject): void
  message(data: string): void
  /** Waits for the next authorization: its running total. */
  voucher(): Promise<bigint>
  receipt(claims?: JsonObject): void
  need(claims?: JsonObject): void
  /** Waits until the client has asked for the end. */
  closeRequest(): Promise<void>
  ready(): void
  readonly closed: Promise<number>
}

export interface SocketServerOptions {
  /** What it answers to the question what it costs. Default: 402 with a session. */
  readonly probe?: { readonly status: number; readonly intent?: string; readonly amount?: bigint }
  /** Parameters of the challenge, by its number. */
  readonly challenge?: (turn: number) => Readonly<Record<string, string>>
  /** Does it take sockets at all? */
  readonly upgrades?: boolean
}

export interface SocketServer extends AsyncDisposable {
  readonly origin: string
  readonly url: string
  /** What it got by HTTP. */
  readonly seen: { readonly method: string; readonly url: string; readonly paid: boolean }[]
  /** Every running total that came through sockets, in order, and the challenges they came with. */
  readonly totals: bigint[]
  readonly challenges: string[]
  /** What came through sockets, whole. */
  readonly frames: string[]
  sockets: number
}

/** A server of paid sockets, written by hand, that does what it is told. */
export async function serveSocket(
  play: (stage: Stage) => unknown,
  options: SocketServerOptions = {},
): Promise<SocketServer> {
  const { status = 402, intent = 'session', amount = PRICE } = options.probe ?? {}
  const http = createServer((request, response) => {
    const { method = '', url = '' } = request
    server.seen.push({ method, url, paid: request.headers.authorization !== undefined })
    if (status !== 402) return void response.writeHead(status).end()
    const turn = server.seen.length
    const terms = { amount: String(amount), recipient: '0xaa', currency: '0x20c0' }
    const params = {
      id: `challenge-${turn}`,
      realm: 'test',
      method: 'tempo',
      intent,
      request: encodeBase64url(new TextEncoder().encode(JSON.stringify(terms))),
      ...options.challenge?.(turn),
    }
    const text = Object.entries(params).map(([name, value]) => `${name}="${value}"`)
    response.writeHead(402, { 'www-authenticate': `Payment ${text.join(', ')}` }).end()
  })
  const sockets = new WebSocketServer({ noServer: true })
  http.on('upgrade', (request: IncomingMessage, stream, head) => {
    if (options.upgrades === false) return void stream.destroy()
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const stage = stageOn(socket, server.sockets++, server)
      void Promise.resolve(play(stage)).catch(() => socket.terminate())
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const server: SocketServer = {
    origin: `http://127.0.0.1:${port}`,
    url: `ws://127.0.0.1:${port}/live?q=tea`,
    seen: [],
    totals: [],
    challenges: [],
    frames: [],
    sockets: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return server
}

function stageOn(socket: WebSocket, turn: number, server: SocketServer): Stage {
  const signals = new EventEmitter()
  const waiting: bigint[] = []
  let leaving = false
  let last = ''
  let accepted = 0n
  socket.on('message', (data) => {
    const text = String(data)
    server.frames.push(text)
    const frame = text.startsWith('{') ? JSON.parse(text) : {}
    if (frame.mpp === 'payment-close-request') leaving = true
    if (frame.mpp === 'authorization') {
      const { challenge, payload } = credentialIn(frame.authorization)
      last = challenge.id
      accepted = BigInt(payload.cumulativeAmount)
      server.totals.push(accepted)
      server.challenges.push(last)
      waiting.push(accepted)
    }
    signals.emit('frame')
  })
  const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)))
  const until = async <T>(take: () => T | undefined): Promise<T> => {
    for (;;) {
      const value = take()
      if (value !== undefined) return value
      await Promise.race([once(signals, 'frame'), closed.then(() => Promise.reject(closed))])
    }
  }
  const raw = (data: string | Uint8Array): void => socket.send(data)
  const frame = (mpp: string, more: JsonObject = {}): void => raw(JSON.stringify({ mpp, ...more }))
  const receiptWith = (claims: JsonObject = {}): JsonObject => ({
    method: 'tempo',
    intent: 'session',
    status: 'success',
    reference: CHANNEL,
    challengeId: last,
    channelId: CHANNEL,
    acceptedCumulative: String(accepted),
    ...claims,
  })
  return {
    socket,
    turn,
    raw,
    frame,
    closed,
    message: (data) => frame('message', { data }),
    voucher: () => until(() => waiting.shift()),
    receipt: (claims) => frame('payment-receipt', { data: receiptWith(claims) }),
    need: (claims = {}) =>
      frame('payment-need-voucher', {
        data: {
          channelId: CHANNEL,
          requiredCumulative: String(accepted + PRICE),
          acceptedCumulative: String(accepted),
          deposit: '100000000',
          ...claims,
        },
      }),
    closeRequest: async () => void (await until(() => leaving || undefined)),
    ready: () => frame('payment-close-ready', { data: receiptWith() }),
  }
}

function credentialIn(authorization: string) {
  const bytes = decodeBase64url(authorization.replace(/^Payment /, ''))
  return JSON.parse(Buffer.from(bytes ?? []).toString())
}

/** As many messages, each charged for, and then the end. */
export const honest =
  (count: number) =>
  async (stage: Stage): Promise<void> => {
    for (let at = 1; at <= count; at++) {
      if (at > 1) stage.need()
      await stage.voucher()
      stage.receipt()
      stage.message(`message ${at}`)
    }
    stage.ready()
  }

export async function readAll(socket: AsyncIterable<SocketData>): Promise<SocketData[]> {
  const all: SocketData[] = []
  for await (const message of socket) all.push(message)
  return all
}

/** What was read, and what it ended with. */
export async function readUntilItFails(
  socket: AsyncIterable<SocketData>,
): Promise<{ readonly read: readonly SocketData[]; readonly error: unknown }> {
  const read: SocketData[] = []
  try {
    for await (const message of socket) read.push(message)
  } catch (error) {
    return { read, error }
  }
  return { read, error: undefined }
}

/** A server of paid sockets, and a purser before it. */
export interface Place extends AsyncDisposable {
  readonly server: SocketServer
  readonly counter: Till
  open(options?: SocketOptions): ReturnType<typeof openSocket>
  /** What it was refused, or failed, with. */
  failure(options?: SocketOptions): Promise<unknown>
  /** What the ledger counts, in the smallest parts of the price. */
  spent(): Promise<bigint>
}

export async function place(
  play: (stage: Stage) => unknown,
  options: SocketServerOptions & {
    readonly policy?: Parameters<typeof till>[1]
    readonly purser?: Partial<PurserOptions>
  } = {},
): Promise<Place> {
  const server = await serveSocket(play, options)
  const counter = till({ url: server.origin }, options.policy, options.purser)
  const open = (more: SocketOptions = {}) =>
    openSocket(counter.purser, server.url, { WebSocket, ...more, limits: { closeMs: 200, ...more.limits } })
  return {
    server,
    counter,
    open,
    failure: (more) =>
      open(more).then(
        () => expect.fail('it was opened'),
        (error: unknown) => error,
      ),
    async spent() {
      return (await counter.payments()).reduce((sum, { units }) => sum + units, 0n) / 1_000n
    },
    async [Symbol.asyncDispose]() {
      await counter[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
