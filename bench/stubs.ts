import { Challenge } from 'mppx'
import { privateKeyToAccount } from 'viem/accounts'
import type { PolicyDocument } from '../src/index.js'
import { token } from '../src/index.js'

/** A payer whose key is known to everybody: nothing here ever reaches a chain. */
export const account = privateKeyToAccount(
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
)
export const CHAIN_ID = 31337
export const ORIGIN = 'https://api.bench.example'
export const URL_PAID = `${ORIGIN}/v1/search`
const TOKEN = '0x20c0000000000000000000000000000000000001'
export const PAYEE = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'

export const alphaUSD = token(`eip155:${CHAIN_ID}`, TOKEN, {
  symbol: 'AlphaUSD',
  decimals: 6,
  peg: 'iso4217:USD',
})

export const policy: PolicyDocument = {
  perPayment: '0.10 USD',
  maxFee: '0.05 USD',
  networks: [`eip155:${CHAIN_ID}`],
  budgets: [{ limit: '1000000000 USD', per: 'day' }],
  vendors: [{ origin: ORIGIN, payees: [PAYEE] }],
}

/** A server that asks once and is content with any credential: what is measured is the client alone. */
export function stubServer(): (input: unknown, init?: RequestInit) => Promise<Response> {
  let serial = 0
  return async (input, init) => {
    const headers = input instanceof Request ? input.headers : new Headers(init?.headers)
    if (headers.has('authorization')) return paid()
    return new Response(null, { status: 402, headers: { 'www-authenticate': challenge(serial++) } })
  }
}

/** It names no transaction: that would be for a stub to compute, in the time that is measured. */
export const RECEIPT = { method: 'tempo', status: 'success', timestamp: '2026-01-01T00:00:00Z' } as const

function paid(): Response {
  const encoded = Buffer.from(JSON.stringify(RECEIPT)).toString('base64url')
  return new Response('tea', { headers: { 'payment-receipt': encoded } })
}

/** Made beforehand, so that the server's work is not measured: the client sees a new one each time. */
export const CHALLENGES = Array.from({ length: 256 }, (_, index) =>
  Challenge.from({
    id: `challenge-${index}-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`,
    realm: 'api.bench.example',
    method: 'tempo',
    intent: 'charge',
    request: {
      amount: '10000',
      currency: TOKEN,
      recipient: PAYEE,
      methodDetails: { chainId: CHAIN_ID },
    },
    expires: new Date(Date.now() + 3_600_000).toISOString(),
  }),
)
const SERIALIZED = CHALLENGES.map((one) => Challenge.serialize(one))

function challenge(serial: number): string {
  return SERIALIZED[serial % SERIALIZED.length] ?? ''
}

/** A node that answers what a charge asks of it, and counts. */
export function stubNode(): { fetch: typeof globalThis.fetch; calls(): number; forget(): void } {
  let calls = 0
  const answer = (method: string, params: unknown): unknown => {
    if (method === 'eth_chainId') return `0x${CHAIN_ID.toString(16)}`
    if (method === 'eth_call') return `0x${(10n ** 18n).toString(16).padStart(64, '0')}`
    if (method === 'eth_fillTransaction') return filled(params)
    if (method === 'eth_getBlockByNumber')
      return { number: '0x10', timestamp: '0x6a000000', hash: `0x${'11'.repeat(32)}` }
    return '0x0'
  }
  return {
    calls: () => calls,
    forget: () => {
      calls = 0
    },
    fetch: async (_input, init) => {
      const body: unknown = JSON.parse(String(init?.body))
      const one = (request: unknown): unknown => {
        calls++
        const { id, method, params } = request as { id: number; method: string; params: unknown }
        return { jsonrpc: '2.0', id, result: answer(method, params) }
      }
      return Response.json(Array.isArray(body) ? body.map(one) : one(body))
    },
  }
}

function filled(params: unknown): unknown {
  const [transaction] = Array.isArray(params) ? params : []
  const given = typeof transaction === 'object' && transaction !== null ? transaction : {}
  return {
    raw: '0x',
    tx: {
      ...given,
      gas: '0xbf680',
      maxFeePerGas: '0x4a817c800',
      maxPriorityFeePerGas: '0x0',
      nonce: '0x0',
      chainId: `0x${CHAIN_ID.toString(16)}`,
    },
  }
}
