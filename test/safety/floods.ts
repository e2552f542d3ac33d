import { maxHeaderSize } from 'node:http'
import { gzipSync } from 'node:zlib'
import { type Behaviour, challengeOf, encode, receiptFor, type Visit } from './offers.js'

const MIB = 1024 * 1024

/** As much as one header can be for a client that runs with the same `--max-http-header-size` as this server. */
const MOST = maxHeaderSize - 2_048
const DEEP = 100_000
/** As many header lines, where a client takes as much. */
const LINES = Math.min(80_000, Math.floor(MOST / 13))
const A_BYTE_EVERY_MS = 20

/** Unpacks to a gibibyte: one member of a gzip file, again and again (RFC 1952, section 2.2). */
export const BOMB = Buffer.concat(Array<Buffer>(32).fill(gzipSync(Buffer.alloc(32 * MIB, 0x20))))

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
const base64 = (text: string): string => Buffer.from(text).toString('base64url')

/** Asks with this header, and serves whoever pays. */
const asks =
  (header: () => string): Behaviour =>
  (visit) => {
    if (visit.seen.credential) return visit.serve()
    visit.response.writeHead(402, { 'www-authenticate': header() }).end()
  }

/** Asks as anybody would, and does this with a credential. */
const afterPayment =
  (then: Behaviour): Behaviour =>
  (visit) =>
    visit.seen.credential ? then(visit) : visit.ask({})

/** Asks with this body, and serves whoever pays. */
const asksWith =
  (write: (visit: Visit) => void, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (visit) => {
    if (visit.seen.credential) return visit.serve()
    visit.response.writeHead(402, { ...headers, 'www-authenticate': challengeOf({}, 'flood') })
    write(visit)
  }

const endless = ({ response }: Visit): void => {
  const more = (): void => {
    if (!response.destroyed && response.write('x'.repeat(16_384))) setImmediate(more)
  }
  response.on('drain', more)
  more()
}

/** A little after the other, for as long as somebody listens. */
const drip = ({ request: { socket } }: Visit, write: () => void): void => {
  const timer = setInterval(write, A_BYTE_EVERY_MS)
  socket.on('close', () => clearInterval(timer))
}

const deepProblem =
  (depth: number): Behaviour =>
  ({ response }) => {
    response.writeHead(402, { 'content-type': 'application/problem+json', 'www-authenticate': '' })
    response.end(`{"type":"about:blank","title":"no","more":${nested(depth)}}`)
  }

const deepReceipt =
  (depth: number): Behaviour =>
  (visit) => {
    const receipt = JSON.stringify({ ...receiptFor(visit), more: 0 }).replace(
      '"more":0',
      `"more":${nested(depth)}`,
    )
    visit.response.setHeader('payment-receipt', base64(receipt))
    visit.serve(null)
  }

/** Behaviours that mean to exhaust whoever asks. */
export const FLOODS = {
  'long-id': asks(() => challengeOf({ id: 'i'.repeat(MOST - 1_024) }, 'x')),
  'long-realm': asks(() => challengeOf({ realm: 'r'.repeat(MOST - 1_024) }, 'x')),
  'long-description': asks(() => challengeOf({ description: 'd'.repeat(MOST - 1_024) }, 'x')),
  'too-long-a-header': asks(() => challengeOf({ id: 'i'.repeat(MOST * 2) }, 'x')),
  'many-headers': (visit) => {
    if (visit.seen.credential) return visit.serve()
    const lines = Array.from({ length: LINES }, (_, n) => [`x-${n}`, 'y'])
    visit.response.writeHead(402, [['www-authenticate', challengeOf({}, 'many')], ...lines].flat()).end()
  },
  'ten-thousand-offers': asks(() =>
    Array.from({ length: 10_000 }, (_, n) => challengeOf({}, `${n}`)).join(', '),
  ),
  'ten-thousand-fragments': asks(() => `${'Payment id="x", '.repeat(10_000)}${challengeOf({}, 'last')}`),
  'deep-request': asks(() => {
    const { amount, ...rest } = JSON.parse(plainRequest())
    const deep = JSON.stringify({ amount, ...rest, more: 0 }).replace('"more":0', `"more":${nested(DEEP)}`)
    return challengeOf({}, 'deep').replace(/request="[^"]*"/, `request="${base64(deep)}"`)
  }),
  'deep-request-short': asks(() => {
    const deep = plainRequest().replace(/}$/, `,"more":${nested(5_000)}}`)
    return challengeOf({}, 'deep').replace(/request="[^"]*"/, `request="${base64(deep)}"`)
  }),
  'deep-problem': afterPayment(deepProblem(DEEP)),
  'deep-problem-short': afterPayment(deepProblem(30_000)),
  'deep-receipt': afterPayment(deepReceipt(DEEP)),
  'deep-receipt-short': afterPayment(deepReceipt(20_000)),
  'long-receipt': afterPayment((visit) => {
    visit.response.setHeader('payment-receipt', encode({ ...receiptFor(visit), more: 'm'.repeat(MOST / 2) }))
    visit.serve(null)
  }),
  'endless-402': asksWith(endless),
  'dripping-402': asksWith((visit) => drip(visit, () => visit.response.write('x'))),
  'no-head': () => undefined,
  'dripping-head': (visit) => {
    visit.request.socket.write('HTTP/1.1 402 Payment Required\r\nx-head: ')
    drip(visit, () => visit.request.socket.write('x'))
  },
  'endless-hints': (visit) =>
    drip(visit, () => visit.request.socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')),
  'bomb-402': asksWith(({ response }) => response.end(BOMB), { 'content-encoding': 'gzip' }),
  'bomb-problem': afterPayment(({ response }) => {
    const type = { 'content-type': 'application/problem+json', 'content-encoding': 'gzip' }
    response.writeHead(402, { ...type, 'www-authenticate': '' }).end(BOMB)
  }),
  'bomb-answer': afterPayment((visit) => {
    visit.response.setHeader('payment-receipt', encode(receiptFor(visit)))
    visit.response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB)
  }),
  'endless-answer': afterPayment((visit) => {
    visit.response.setHeader('payment-receipt', encode(receiptFor(visit)))
    endless(visit)
  }),
  'endless-problem': afterPayment((visit) => {
    visit.response.writeHead(500, { 'content-type': 'application/problem+json' })
    endless(visit)
  }),
} satisfies Readonly<Record<string, Behaviour>>

export type FloodName = keyof typeof FLOODS

/** The request of an ordinary challenge, as JSON. */
function plainRequest(): string {
  const [, encoded = ''] = /request="([^"]*)"/.exec(challengeOf({}, 'x')) ?? []
  return Buffer.from(encoded, 'base64url').toString()
}
