import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type InvoiceOptions, type Issued, Payee } from './network.js'

// A server that sells for Lightning, as draft-lightning-charge-00 has it. It knows nothing of Purser.

export interface ShopOptions {
  readonly sats?: number
  readonly invoice?: InvoiceOptions
  /** Changes the request of every challenge. */
  readonly request?: (request: Record<string, unknown>, issued: Issued) => Record<string, unknown>
  /** What it does with a good credential. */
  readonly answers?: 'pays' | 'asks_again' | 'breaks_once' | 'fails' | 'no_receipt' | 'wrong_receipt'
}

export interface Shop {
  readonly origin: string
  readonly payee: Payee
  /** Preimages that were shown to it, good or not. */
  readonly shown: string[]
  delivered(): number
  asked(): number
  close(): Promise<void>
}

interface Stored {
  readonly id: string
  readonly params: Readonly<Record<string, string>>
  readonly hash: string
  readonly expires: number
  consumed: boolean
}

const PROBLEM = 'https://paymentauth.org/problems/lightning'

export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const payee = new Payee()
  const challenges = new Map<string, Stored>()
  const shown: string[] = []
  let delivered = 0
  let asked = 0
  let broken = false

  const ask = (realm: string, response: ServerResponse, problem?: string): void => {
    asked++
    const issued = payee.issue({ sats: options.sats ?? 100, ...options.invoice })
    const request = {
      amount: String(options.sats ?? 100),
      currency: 'sat',
      methodDetails: { invoice: issued.invoice, paymentHash: issued.hash, network: 'regtest' },
    }
    const expires = Date.now() + 300_000
    const id = randomUUID()
    const params: Readonly<Record<string, string>> = {
      id,
      realm,
      method: 'lightning',
      intent: 'charge',
      request: encode(options.request?.(request, issued) ?? request),
      expires: new Date(expires).toISOString(),
    }
    challenges.set(id, { id, params, hash: issued.hash, expires, consumed: false })
    const text = Object.entries(params).map(([name, value]) => `${name}="${value}"`)
    response.writeHead(402, {
      'www-authenticate': `Payment ${text.join(', ')}`,
      'cache-control': 'no-store',
      ...(problem === undefined ? {} : { 'content-type': 'application/problem+json' }),
    })
    response.end(problem === undefined ? '' : JSON.stringify({ type: `${PROBLEM}/${problem}`, status: 402 }))
  }

  /** The Verification Procedure, step by step. What is wrong, or the challenge that was paid. */
  const verify = (token: string): string | Stored => {
    const credential = decode(token)
    const preimage: unknown = credential?.payload?.preimage
    if (typeof preimage !== 'string' || !/^[0-9a-f]{64}$/.test(preimage)) return 'malformed-credential'
    shown.push(preimage)
    const stored = challenges.get(String(credential?.challenge?.['id']))
    if (stored === undefined || stored.consumed) return 'unknown-challenge'
    const echoed = credential?.challenge ?? {}
    if (Object.entries(stored.params).some(([name, value]) => echoed[name] !== value))
      return 'unknown-challenge'
    if (Date.now() >= stored.expires) return 'expired-invoice'
    const hash = createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex')
    return hash === stored.hash ? stored : 'invalid-preimage'
  }

  const deliver = (stored: Stored, response: ServerResponse): void => {
    stored.consumed = true
    delivered++
    const receipt = {
      method: 'lightning',
      challengeId: stored.id,
      reference: options.answers === 'wrong_receipt' ? '00'.repeat(32) : stored.hash,
      status: 'success',
      timestamp: new Date().toISOString(),
    }
    response.writeHead(200, options.answers === 'no_receipt' ? {} : { 'payment-receipt': encode(receipt) })
    response.end('a cup of tea')
  }

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    const realm = request.headers.host ?? ''
    const [, token] = /^Payment (.+)$/i.exec(request.headers.authorization ?? '') ?? []
    const verified = token === undefined ? undefined : verify(token)
    if (typeof verified !== 'object') ask(realm, response, verified)
    else if (options.answers === 'asks_again') ask(realm, response, 'unknown-challenge')
    else if (options.answers === 'breaks_once' && !broken) {
      broken = true
      request.socket.destroy()
    } else if (options.answers === 'fails') {
      verified.consumed = true
      response.writeHead(500)
      response.end()
    } else deliver(verified, response)
  }

  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${portOf(server)}`,
    payee,
    shown,
    delivered: () => delivered,
    asked: () => asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

interface Wire {
  readonly challenge?: Readonly<Record<string, unknown>>
  readonly payload?: { readonly preimage?: unknown }
}

function decode(token: string): Wire | undefined {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch {
    return undefined
  }
}
