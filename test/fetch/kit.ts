import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { isPaymentError } from '../../src/errors/index.js'
import { type PayingFetch, type PayingFetchOptions, payingFetch } from '../../src/fetch/index.js'
import type { HttpPaymentHandler } from '../../src/http/index.js'
import * as codecs from '../../src/http/wire/index.js'
import type { CallOptions, Exchange } from '../../src/pay/index.js'
import { type Challenge, encodeBase64url, type JsonObject, type ReplyInfo } from '../../src/protocol/index.js'

/** One request, as it came over the wire. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Which connection it came over: 0 is the first. */
  readonly connection: number
  /** Does it carry a credential? */
  readonly paid: boolean
}

export type Answer = (response: ServerResponse, seen: Seen, request: IncomingMessage) => unknown

/** A real server on a real socket, and everything it has seen. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly seen: Seen[]
  /** How many connections were opened to it. */
  readonly connections: () => number
}

const CREDENTIAL = /^payment /i
/** Where credentials of x402 travel. */
const X402 = ['payment-signature', 'x-payment', 'sign-in-with-x']

export async function serve(answer: Answer): Promise<TestServer> {
  const seen: Seen[] = []
  const server = await serveRaw(async (request, response, connection) => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(Buffer.from(chunk))
    } catch {
      return
    }
    const { authorization, 'payment-authorization': beside } = request.headers
    const one: Seen = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks),
      connection,
      paid:
        CREDENTIAL.test(authorization ?? '') ||
        CREDENTIAL.test(String(beside ?? '')) ||
        X402.some((name) => name in request.headers),
    }
    seen.push(one)
    await answer(response, one, request)
  })
  return { ...server, seen }
}

/** A server that handles its requests by itself. */
export async function serveRaw(
  handle: (request: IncomingMessage, response: ServerResponse, connection: number) => unknown,
): Promise<Omit<TestServer, 'seen'>> {
  const sockets = new Map<Socket, number>()
  const server = createServer((request, response) =>
    handle(request, response, sockets.get(request.socket) ?? -1),
  )
  server.on('connection', (socket) => sockets.set(socket, sockets.size))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface ChallengeOptions {
  readonly id?: string
  readonly header?: string
  readonly digest?: string
  readonly request?: object
}

/** A challenge as a server writes it. */
export function challenge(options: ChallengeOptions = {}): string {
  const { id = 'challenge-1', request = { amount: '100', currency: '0x20c0', recipient: '0x742d' } } = options
  const encoded = encodeBase64url(new TextEncoder().encode(JSON.stringify(request)))
  const extra = (['header', 'digest'] as const).flatMap((name) =>
    options[name] === undefined ? [] : [`${name}="${options[name]}"`],
  )
  const params = [`id="${id}"`, 'realm="test"', 'method="tempo"', 'intent="charge"', `request="${encoded}"`]
  return `Payment ${[...params, ...extra].join(', ')}`
}

/** Answers 402 until a credential comes along, and then as `answer` does. */
export function paywall(answer: Answer, options: ChallengeOptions = {}): Answer {
  return (response, seen, request) => (seen.paid ? answer(response, seen, request) : ask(response, options))
}

export function ask(response: ServerResponse, options: ChallengeOptions = {}): void {
  response
    .writeHead(402, { 'www-authenticate': challenge(options), 'content-type': 'application/problem+json' })
    .end('{"type":"https://paymentauth.org/problems/payment-required"}')
}

/** Asks without a word in the body. */
export function bodyless(response: ServerResponse): void {
  response.writeHead(402, { 'www-authenticate': challenge() }).end()
}

/** Answers with what it saw of the request. */
export const echo: Answer = (response, { method, url, headers, body }) => {
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ method, url, headers, body: body.toString('latin1') }))
}

/** Everything a test wants to know about what was signed. */
export interface TestFace extends HttpPaymentHandler {
  readonly signed: string[]
  readonly options: CallOptions[]
  readonly errors: unknown[]
  /** What every reply was read as. */
  readonly readings: ReplyInfo[]
}

/** How a test would pay. */
export interface TestPayer {
  readonly onSign?: () => unknown
  /** Default: the first offer. */
  readonly choose?: (offers: readonly Challenge[]) => Challenge | undefined
  readonly payload?: (challenge: Challenge) => JsonObject | Promise<JsonObject>
}

/** The story of a payment in its smallest form: ask, check, "sign", send. No money, no ledger, no policy. */
export function testFace(overrides: Partial<HttpPaymentHandler> & TestPayer = {}): TestFace {
  const signed: string[] = []
  const options: CallOptions[] = []
  const errors: unknown[] = []
  const readings: ReplyInfo[] = []
  return {
    signed,
    options,
    errors,
    readings,
    acceptPayment: 'tempo/charge',
    payable: () => true,
    pays: () => true,
    noteUnpaid() {},
    shareOutcome() {},
    paysUpfront: () => false,
    replacesAuthorization: () => false,
    sendsIdempotencyKey: () => false,
    codecs: async () => codecs,
    async run(exchange, call) {
      options.push(call)
      const leg = call.signal ? { signal: call.signal } : {}
      const reply = await exchange.send(leg)
      if (!exchange.mayRequirePayment(reply)) return reply
      try {
        const sign = async (print: string, challenge: Challenge) => {
          await overrides.onSign?.()
          call.signal?.throwIfAborted()
          signed.push(print)
          return overrides.payload?.(challenge) ?? { type: 'transaction', signature: '0x5160' }
        }
        const choose = overrides.choose ?? (([one]: readonly Challenge[]) => one)
        return await buy(exchange, reply, leg, { sign, choose, readings })
      } catch (error) {
        if (!isPaymentError(error)) throw error
        errors.push(error)
        const { code, funds, message } = error
        return exchange.refuse({
          type: 'about:blank',
          title: code,
          status: 402,
          detail: message,
          message,
          error: { message, type: 'payment_refused', code },
          code,
          funds,
          reasons: [],
        })
      }
    },
    ...overrides,
  }
}

interface Buying {
  readonly sign: (fingerprint: string, challenge: Challenge) => Promise<JsonObject>
  readonly choose: NonNullable<TestPayer['choose']>
  readonly readings: ReplyInfo[]
}

async function buy<Reply extends object>(
  exchange: Exchange<Reply>,
  reply: Reply,
  leg: { readonly signal?: AbortSignal },
  { sign, choose, readings }: Buying,
): Promise<Reply> {
  const reading = await exchange.read(reply)
  readings.push(reading)
  const offer = reading.kind === 'payment-required' ? choose(reading.offers) : undefined
  if (reading.kind !== 'payment-required' || offer === undefined) return reply
  exchange.discard(reply)
  const fingerprint = await exchange.fingerprint()
  await exchange.check(offer, reading.at)
  const credential = { challenge: offer, payload: await sign(fingerprint, offer) }
  const paid = await exchange.send({ ...leg, credential, idempotencyKey: 'payment-1' })
  const after = await exchange.read(paid)
  readings.push(after)
  if (after.kind !== 'redirect' || after.to === undefined) return paid
  return (await exchange.follow?.(paid, after.to)) ?? paid
}

/** A paying fetch over the real one, and what it signed. */
export function testFetch(
  overrides: Parameters<typeof testFace>[0] = {},
  options: PayingFetchOptions = {},
): { readonly fetch: PayingFetch; readonly face: TestFace } {
  const face = testFace(overrides)
  return { face, fetch: payingFetch(face, options) }
}
