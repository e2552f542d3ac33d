import { EventEmitter, once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { memoryLedger } from '../../../src/entry/ledger-memory.js'
import {
  createPurser,
  type Ledger,
  type Payment,
  type PolicyDocument,
  type Purser,
  type PurserEvents,
  type PurserOptions,
} from '../../../src/index.js'
import { decodeBase64url, encodeBase64url, type JsonObject } from '../../../src/protocol/index.js'
import { CHANNEL, type TotalsWallet, totalsWallet } from '../../pay/totals.js'
import { type Seen, serveRaw } from '../kit.js'

export const PRICE = 10_000n

/** What a test's script does on a stream that was paid for. */
export interface Stage {
  raw(text: string | Uint8Array): Promise<void>
  data(text: string): Promise<void>
  /** Says that it needs more, and does not wait. */
  need(claims?: JsonObject): Promise<void>
  /** Says that it needs more where it does, and waits until it has got it. */
  charge(): Promise<void>
  receipt(claims?: JsonObject): Promise<void>
  end(): void
  /** Resolves when the connection is gone, or the stream has ended. */
  readonly gone: Promise<unknown>
  readonly response: ServerResponse
  /** Vouchers that came beside streams so far. */
  readonly notes: readonly Seen[]
}

/** What becomes of a voucher beside the stream. */
export type Taking = 'take' | 'ask' | 'drop' | 'fail' | 'silent' | 'bare'

export interface StreamOptions {
  /** What it does with the stream. Default: five events, each charged. */
  readonly play?: (stage: Stage) => unknown
  /** What it does with the nth voucher beside a stream. Default: it takes it. */
  readonly taking?: (turn: number) => Taking
  /** Parameters of the challenge, by its number. */
  readonly challenge?: (turn: number) => Readonly<Record<string, string>>
  readonly amount?: (turn: number) => bigint
  readonly head?: Readonly<Record<string, string>>
  readonly receiptInHead?: boolean
}

export interface StreamServer extends AsyncDisposable {
  readonly url: string
  readonly seen: Seen[]
  /** The highest total that it was given, and what it charged of it. */
  readonly books: { accepted: bigint; spent: bigint }
  /** Vouchers beside a stream. */
  readonly notes: Seen[]
  readonly signals: EventEmitter
  /** Answers the vouchers that it kept silent about. */
  answer(): void
}

export function receiptOf(extra: JsonObject = {}): string {
  return JSON.stringify({
    method: 'tempo',
    intent: 'session',
    status: 'success',
    reference: CHANNEL,
    ...extra,
  })
}

/** A server of metered streams, written by hand on a real socket. */
export async function serveStream(options: StreamOptions = {}): Promise<StreamServer> {
  const { play = fiveEvents, taking = () => 'take', amount = () => PRICE } = options
  const books = { accepted: 0n, spent: 0n }
  const seen: Seen[] = []
  const notes: Seen[] = []
  const signals = new EventEmitter()
  const silent: (() => void)[] = []
  let asked = 0
  const ask = (response: ServerResponse): void => {
    const turn = ++asked
    const request = { amount: String(amount(turn)), recipient: '0xaa', currency: '0x20c0' }
    const params = {
      id: `challenge-${turn}`,
      realm: 'test',
      method: 'tempo',
      intent: 'session',
      request: encodeBase64url(new TextEncoder().encode(JSON.stringify(request))),
      ...options.challenge?.(turn),
    }
    const text = Object.entries(params).map(([name, value]) => `${name}="${value}"`)
    response.writeHead(402, { 'www-authenticate': `Payment ${text.join(', ')}` }).end()
  }
  const accept = (voucher: JsonObject): void => {
    const total = BigInt(String(voucher['cumulativeAmount']))
    if (total > books.accepted) books.accepted = total
    signals.emit('voucher')
  }
  const header = { 'payment-receipt': Buffer.from(receiptOf()).toString('base64url') }
  const note = (response: ServerResponse, voucher: JsonObject): unknown => {
    switch (taking(notes.length)) {
      case 'ask':
        return ask(response)
      case 'drop':
        return response.destroy()
      case 'fail':
        return response.writeHead(500).end()
      case 'silent':
        return silent.push(() => {
          accept(voucher)
          response.writeHead(204, header).end()
        })
      case 'bare':
        accept(voucher)
        return response.writeHead(204).end()
      default:
        accept(voucher)
        return response.writeHead(204, header).end()
    }
  }
  const server = await serveRaw(async (request, response, connection) => {
    const one = await seenOf(request, connection)
    seen.push(one)
    const voucher = voucherOf(request)
    if (voucher === undefined) {
      ask(response)
      return
    }
    if (one.method === 'POST' && one.body.length === 0) {
      notes.push(one)
      note(response, voucher)
      return
    }
    accept(voucher)
    const head = options.receiptInHead === false ? {} : header
    response.writeHead(200, { 'content-type': 'text/event-stream', ...head, ...options.head })
    response.flushHeaders()
    await play(stageOn(response, { books, signals, notes }))
  })
  const answer = (): void => {
    for (const one of silent.splice(0)) one()
  }
  return { ...server, seen, notes, books, signals, answer }
}

async function seenOf(request: IncomingMessage, connection: number): Promise<Seen> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  const { method = '', url = '', headers } = request
  const paid = headers.authorization !== undefined
  return { method, url, headers, connection, paid, body: Buffer.concat(chunks) }
}

function voucherOf({ headers }: IncomingMessage): JsonObject | undefined {
  const encoded = headers.authorization?.replace(/^Payment /, '')
  const bytes = encoded === undefined ? undefined : decodeBase64url(encoded)
  return bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString()).payload
}

function stageOn(
  response: ServerResponse,
  { books, signals, notes }: Pick<StreamServer, 'books' | 'signals' | 'notes'>,
): Stage {
  const raw = async (text: string | Uint8Array): Promise<void> => {
    if (!response.write(text)) await Promise.race([once(response, 'drain'), gone])
  }
  const gone = new Promise((resolve) => response.once('close', resolve))
  const need = (claims: JsonObject = {}): Promise<void> => {
    const { accepted, spent } = books
    const all = {
      channelId: CHANNEL,
      requiredCumulative: String(spent + PRICE),
      acceptedCumulative: String(accepted),
      deposit: '100000000',
      ...claims,
    }
    return raw(`event: payment-need-voucher\ndata: ${JSON.stringify(all)}\n\n`)
  }
  return {
    raw,
    need,
    response,
    gone,
    notes,
    data: (text) => raw(`event: message\ndata: ${text}\n\n`),
    async charge() {
      if (books.accepted - books.spent < PRICE) await need()
      while (books.accepted - books.spent < PRICE && !response.destroyed)
        await Promise.race([once(signals, 'voucher'), gone])
      books.spent += PRICE
    },
    receipt: (claims) => raw(`event: payment-receipt\ndata: ${receiptOf(claims)}\n\n`),
    end: () => void response.end(),
  }
}

async function fiveEvents(stage: Stage): Promise<void> {
  for (let event = 1; event <= 5; event++) {
    await stage.charge()
    await stage.data(`event ${event}`)
  }
  await stage.receipt()
  stage.end()
}

export interface Till extends AsyncDisposable {
  readonly purser: Purser
  readonly wallet: TotalsWallet
  readonly ledger: Ledger
  readonly heard: { [E in keyof PurserEvents]: PurserEvents[E][] }
  payments(): Promise<Payment[]>
}

/** A purser over a wallet of running totals. */
export function till(
  server: { readonly url: string },
  policy: Partial<PolicyDocument> = {},
  options: Partial<PurserOptions> = {},
): Till {
  const wallet = totalsWallet()
  const ledger = memoryLedger()
  const purser = createPurser({
    agent: 'reader',
    wallets: [wallet],
    policy: {
      perPayment: '0.05',
      budgets: [{ limit: '5', per: 'day' }],
      vendors: [{ origin: server.url }],
      ...policy,
    },
    ledger,
    ...options,
  })
  const heard: Till['heard'] = {
    offer: [],
    decision: [],
    approval: [],
    payment: [],
    receipt: [],
    refusal: [],
    not_paid: [],
    budget: [],
    approval_request: [],
    freeze: [],
    doubt: [],
    anomaly: [],
    error: [],
  }
  const listen = <E extends keyof PurserEvents>(name: E): void => {
    purser.on(name, (event) => void heard[name].push(event))
  }
  for (const name of ['anomaly', 'refusal', 'error', 'receipt', 'payment', 'decision'] as const) listen(name)
  return {
    purser,
    wallet,
    ledger,
    heard,
    async payments() {
      const all: Payment[] = []
      for await (const payment of ledger.find({ order: 'oldest' })) all.push(payment)
      return all
    },
    [Symbol.asyncDispose]: () => purser.close(),
  }
}

/** Until it holds: tests wait for what comes about by itself, and for nothing else. */
export async function until(holds: () => unknown): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** The data of a stream of events. */
export function datasOf(text: string): string[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => String(data))
}
