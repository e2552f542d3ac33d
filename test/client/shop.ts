import type { Clock } from '../../src/entry/ledger.js'
import type { Verdict } from '../../src/entry/wallet.js'
import { spendAuthorization } from '../../src/entry/wallet.js'
import type { Ledger, PolicyDocument } from '../../src/index.js'
import { amount, CURRENCIES, createPurser, type Purser, type Wallet } from '../../src/index.js'

const ORIGIN = 'https://shop.example'
const request = Buffer.from('{}').toString('base64url')
const receipt = Buffer.from(JSON.stringify({ method: 'slow', status: 'success' })).toString('base64url')
const usd = (cents: number) => amount(BigInt(cents) * 10_000n, CURRENCIES.pathUSD)

export const feeOf = usd

/** A rail whose payments cost ten cents and a fee of at most ninety. What it shows of one is for `inspect` to say. */
export function slowWallet(inspect: () => Promise<Verdict>): Wallet {
  const price = usd(10)
  return {
    id: 'slow:1',
    kinds: ['slow/charge'],
    quote: async (challenge, { resource }) => ({
      ...{ wallet: 'slow:1', challenge, resource },
      terms: {
        ...{ purpose: 'pay', kind: 'slow/charge', network: 'eip155:4217', most: price, exact: true },
        payees: [{ id: 'shop', amount: price }],
        fee: { bound: usd(90), usual: usd(1) },
      },
    }),
    prepare: async (authorization, { now }) => {
      const { quote, payment } = spendAuthorization(authorization, now)
      const { challenge } = quote
      return {
        evidence: { wallet: 'slow:1', kind: 'slow/charge', refs: [payment], detail: null },
        complete: async () => ({ credential: { challenge, payload: {} }, goodUntil: now }),
        discard: async () => undefined,
      }
    },
    inspect,
  }
}

export interface ShopOptions {
  readonly ledger: Ledger
  readonly inspect: () => Promise<Verdict>
  /** Dollars a day. */
  readonly limit: string
  readonly clock?: Clock
  readonly patience?: number
  readonly budgetAlerts?: readonly number[]
  /** Default: one of dollars a day. */
  readonly budgets?: PolicyDocument['budgets']
  /** Headers of its 402. */
  readonly head?: () => Readonly<Record<string, string>>
  /** Its answer to a credential. Default: tea, with a receipt. */
  readonly answer?: () => Promise<Response>
}

/** A purser that buys at a shop which takes any credential and gives a receipt. */
export function buyer({
  ledger,
  inspect,
  limit,
  clock,
  patience,
  head,
  budgetAlerts,
  budgets = [{ limit, per: 'day' }],
  answer = async () => new Response('tea', { headers: { 'payment-receipt': receipt } }),
}: ShopOptions): Purser {
  let serial = 0
  return createPurser({
    wallets: [slowWallet(inspect)],
    policy: {
      perPayment: '1',
      maxFee: '0.90',
      budgets,
      vendors: [{ origin: ORIGIN }],
    },
    ledger,
    ...(clock === undefined ? {} : { clock }),
    ...(patience === undefined ? {} : { patience }),
    ...(budgetAlerts === undefined ? {} : { budgetAlerts }),
    fetch: async (_, init) => {
      if (new Headers(init?.headers).has('authorization')) return answer()
      const challenge = `Payment id="c${serial++}", realm="shop", method="slow", intent="charge", request="${request}"`
      return new Response(null, { status: 402, headers: { 'www-authenticate': challenge, ...head?.() } })
    },
  })
}

export async function buy(purser: Purser, path: string): Promise<number> {
  const reply = await purser.fetch(ORIGIN + path)
  await reply.text()
  return reply.status
}
