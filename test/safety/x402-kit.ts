import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { type Challenge, type Quote, spendAuthorization, type Unpayable } from '../../src/entry/wallet.js'
import {
  amount,
  createPurser,
  type FetchLike,
  isPaymentError,
  type Payment,
  type Purser,
  token,
  type Wallet,
} from '../../src/index.js'
import { ENTRY } from '../protocol/x402/documents.js'
import { paymentsOf } from './kit.js'

const NETWORK = ENTRY.network
export const dollar = token(NETWORK, ENTRY.asset, { symbol: 'USDC', decimals: 6, peg: 'iso4217:USD' })
const LIFE_MS = 60_000

/** A wallet for x402 that signs nothing real, counts what it signs, and can prove nothing before a minute is over. */
export function countingWallet(): Wallet & { readonly signed: Challenge[] } {
  const signed: Challenge[] = []
  const quote = (challenge: Challenge): Omit<Quote, 'resource'> | Unpayable => {
    const { amount: asked, maxAmountRequired, asset, network, payTo } = challenge.request
    const price = asked ?? maxAmountRequired
    if (typeof price !== 'string' || !/^[1-9][0-9]{0,30}$/.test(price)) return { unpayable: 'No amount' }
    if (
      asset !== ENTRY.asset ||
      (network !== NETWORK && network !== 'base-sepolia') ||
      typeof payTo !== 'string'
    )
      return { unpayable: 'Another token' }
    const most = amount(BigInt(price), dollar)
    const exact = challenge.kind === 'x402/exact'
    const payees = [{ id: payTo, amount: most }]
    return {
      wallet: 'counting:1',
      challenge,
      terms: { purpose: 'pay', kind: challenge.kind, network: NETWORK, most, exact, payees },
    }
  }
  return {
    id: 'counting:1',
    kinds: ['x402/exact', 'x402/upto', 'x402/sign-in'],
    signed,
    async quote(challenge, { resource, earlierEvidence: after }) {
      if (after !== undefined)
        return { unpayable: 'Another may settle', earlierExpiresAt: after.recheckAt ?? 0 }
      const read = quote(challenge)
      return 'unpayable' in read ? read : { ...read, resource }
    },
    async prepare(authorization, { now }) {
      const { quote: spent } = spendAuthorization(authorization, now)
      const { challenge } = spent
      return {
        evidence: {
          wallet: 'counting:1',
          kind: challenge.kind,
          refs: [`${challenge.id}:${signed.length}`],
          recheckAt: now + LIFE_MS,
          detail: {},
        },
        async complete() {
          signed.push(challenge)
          return { credential: { challenge, payload: { signature: '0x5160' } }, goodUntil: now + LIFE_MS }
        },
        async discard() {},
      }
    },
    async inspect({ recheckAt = 0 }) {
      return { state: 'pending', recheckAt, reason: 'It may still be settled' }
    },
  }
}

export interface Visit {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** How many payments came, this one included. */
  readonly paid: number
  readonly pays: boolean
}

export type Behaviour = (response: ServerResponse, visit: Visit) => unknown

/** What a caller got. */
export interface Got {
  readonly status?: number
  readonly code?: string
  readonly funds?: string
}

export interface Scene extends AsyncDisposable {
  readonly origin: string
  readonly purser: Purser
  readonly signed: readonly Challenge[]
  readonly visits: readonly Visit[]
  readonly anomalies: string[]
  call(path?: string, init?: RequestInit): Promise<Got>
  payments(): Promise<readonly Payment[]>
  /** What the budget counts, in cents. */
  counted(): Promise<number>
}

/** A hostile server, and a purser that may spend ten cents at once and a dollar a day there. */
export async function against(behaviour: Behaviour, fetch?: FetchLike): Promise<Scene> {
  const visits: Visit[] = []
  const server = createServer((request, response) => {
    const { headers, url = '' } = request
    const pays = ['payment-signature', 'x-payment', 'sign-in-with-x'].some((name) => name in headers)
    const visit = { url, headers, pays, paid: visits.filter((one) => one.pays).length + Number(pays) }
    visits.push(visit)
    request.resume().on('end', () => behaviour(response, visit))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const wallet = countingWallet()
  const purser = createPurser({
    agent: 'victim',
    wallets: [wallet],
    policy: {
      perPayment: '0.10 USD',
      networks: [NETWORK],
      budgets: [{ limit: '1 USD', per: 'day' }],
      vendors: [{ origin }],
    },
    currencies: [dollar],
    ledger: memoryLedger(),
    patience: 0,
    ...(fetch && { fetch }),
  })
  const anomalies: string[] = []
  purser.on('anomaly', ({ kind }) => anomalies.push(kind))
  return {
    origin,
    purser,
    signed: wallet.signed,
    visits,
    anomalies,
    call: (path = '/', init = {}) => callOf(purser, origin + path, init),
    payments: () => paymentsOf(purser),
    async counted() {
      const [budget] = await purser.budgets()
      return budget === undefined ? 0 : Number(budget.spent + budget.held) / 10_000_000
    },
    async [Symbol.asyncDispose]() {
      await purser.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function callOf(purser: Purser, url: string, init: RequestInit): Promise<Got> {
  try {
    const reply = await purser.fetch(url, init)
    const ours = reply.headers.get('x-should-retry') === 'false'
    if (!ours) {
      await reply.body?.cancel()
      return { status: reply.status }
    }
    const { code, funds } = await reply.json()
    return { status: reply.status, code, funds }
  } catch (error) {
    if (!isPaymentError(error)) throw error
    return { code: error.code, funds: error.funds }
  }
}
