import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pathToFileURL } from 'node:url'
import { type Quote, spendAuthorization } from '../src/entry/wallet.js'
import { amount, CURRENCIES, createPurser, type Wallet } from '../src/index.js'
import { memoryLedger } from '../src/ledger/memory.js'
import { micros, type Row, ratio, sideBySide } from './measure.js'

const EVENTS = 20_000
/** Events that one voucher pays for. */
const EACH = 100
/** A token of a language model, as its providers spell one out. */
const EVENT = `data: ${JSON.stringify({ id: 'c1', choices: [{ index: 0, delta: { content: ' tea' } }], model: 'm' })}\n\n`
const CHANNEL = '0xc1'

/**
 * A stream of events at the speed of the loopback, an event at a time, read to its end: unpaid by plain `fetch`; through
 * the meter, paid for once; and with a voucher for every hundred events, asked for when half of them are left.
 */
export async function benchSse(): Promise<readonly Row[]> {
  const { origin, close } = await streams()
  const purser = createPurser({
    agent: 'bench',
    wallets: [totals()],
    policy: { perPayment: '1', budgets: [{ limit: '1000000', per: 'day' }], vendors: [{ origin }] },
    ledger: memoryLedger(),
  })
  const read = (fetch: (url: string) => Promise<Response>, path: string) => async () => {
    const reader = (await fetch(origin + path)).body?.getReader()
    let size = 0
    for (let next = await reader?.read(); next?.done === false; next = await reader?.read())
      size += next.value.byteLength
    if (size !== EVENTS * EVENT.length) throw new RangeError(`read ${size} bytes of the stream`)
  }
  const [raw, once, vouchers] = await sideBySide(
    [
      { name: 'raw fetch, unpaid', run: read(globalThis.fetch, '/free') },
      { name: 'paid for once', run: read(purser.fetch, '/once') },
      { name: 'a voucher per 100 events', run: read(purser.fetch, '/metered') },
    ],
    { rounds: 11, batch: 1, warmUp: 3 },
  )
  await purser.close()
  close()
  return [once, vouchers].flatMap((paid) =>
    paid === undefined || raw === undefined
      ? []
      : [
          {
            what: `${EVENTS} server-sent events, ${paid.name} / raw fetch, unpaid`,
            measured: `${ratio(paid, raw)}, of processor time ${(paid.cpu / raw.cpu).toFixed(2)} × (${micros(paid)} / ${micros(raw)})`,
            target: '≤ 1.10 ×',
          },
        ],
  )
}

/** Signs nothing, and counts on: what is measured is the way there. */
function totals(): Wallet {
  return {
    id: 'bench:totals',
    kinds: ['tempo/session'],
    async quote(challenge, { resource, channels }): Promise<Quote> {
      const price = amount(1_000n, CURRENCIES.pathUSD)
      const at = await channels.signed('bench#0')
      return {
        wallet: 'bench:totals',
        challenge,
        resource,
        terms: {
          purpose: 'pay',
          kind: 'tempo/session',
          network: 'eip155:4217',
          most: price,
          exact: true,
          payees: [{ id: '0xaa', amount: price }],
        },
        lane: { names: ['bench#0'], otherwise: 'wait', at },
      }
    },
    async prepare(authorization, { now }) {
      const { quote, lane } = spendAuthorization(authorization, now)
      const total = (lane?.value ?? 0n) + quote.terms.most.value
      const payload = { action: 'voucher', channelId: CHANNEL, cumulativeAmount: String(total) }
      return {
        evidence: { wallet: 'bench:totals', kind: 'tempo/session', refs: [String(total)], detail: null },
        signedTotal: total,
        complete: async () => ({ credential: { challenge: quote.challenge, payload } }),
        discard: async () => undefined,
      }
    },
    inspect: async () => ({ state: 'unknown', reason: 'this is a bench' }),
    matchesReceipt: (_, reference) => reference === CHANNEL,
  }
}

/** `/free`, `/once` and `/metered`, all of them the same stream. */
async function streams(): Promise<{ readonly origin: string; close(): void }> {
  const header = { 'payment-receipt': base64url({ method: 'tempo', status: 'success', reference: CHANNEL }) }
  const request = base64url({ amount: '1000', recipient: '0xaa', currency: '0x20c0' })
  const challenge = `Payment id="c", realm="bench", method="tempo", intent="session", request="${request}"`
  let paid = 0
  let voucher = (): void => {}
  const meter = async (response: ServerResponse): Promise<void> => {
    paid = EACH
    for (let sent = 0; sent < EVENTS; sent++) {
      if (paid - sent === EACH / 2 && paid < EVENTS)
        response.write(`event: payment-need-voucher\ndata: ${JSON.stringify({ channelId: CHANNEL })}\n\n`)
      if (paid === sent) await new Promise<void>((resolve) => (voucher = resolve))
      await write(response)
    }
    response.end()
  }
  const server = createServer((message: IncomingMessage, response: ServerResponse) => {
    if (message.method === 'POST') {
      paid += EACH
      voucher()
      return response.writeHead(204, header).end()
    }
    if (message.url !== '/free' && message.headers.authorization === undefined)
      return response.writeHead(402, { 'www-authenticate': challenge }).end()
    response.writeHead(200, { 'content-type': 'text/event-stream', ...header })
    return message.url === '/metered' ? meter(response) : whole(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    origin: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function whole(response: ServerResponse): Promise<void> {
  for (let sent = 0; sent < EVENTS; sent++) await write(response)
  response.end()
}

async function write(response: ServerResponse): Promise<void> {
  if (!response.write(EVENT)) await once(response, 'drain')
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { what, measured, target } of await benchSse())
    console.log(`${what}\n    ${measured}   (target ${target})`)
  process.exit(0)
}
