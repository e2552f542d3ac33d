import { randomUUID } from 'node:crypto'
import { privateKeyToAccount } from 'viem/accounts'
import { memoryLedger } from '../../../src/entry/ledger-memory.js'
import type { Evidence, LaneGrant } from '../../../src/ledger/index.js'
import { type Currency, currencyTable, type Instant, token } from '../../../src/money/index.js'
import type { Bounds } from '../../../src/policy/index.js'
import type { Challenge, JsonObject, Resource } from '../../../src/protocol/index.js'
import { mintAuthorization } from '../../../src/wallet/authorization.js'
import { type EvmOptions, evm } from '../../../src/wallet/evm/index.js'
import type { Prepared, Quote, QuoteContext, Unpayable, Wallet } from '../../../src/wallet/index.js'

export const LEDGER = 'ledger-of-this-test'
export const BASE = 'eip155:8453'
export const USDC = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913'
export const PAYEE = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
export const account = privateKeyToAccount(
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
)

export const RESOURCE: Resource = {
  transport: 'http',
  vendor: 'https://api.example',
  operation: 'GET /paid',
  address: 'https://api.example/paid',
  method: 'GET',
  path: '/paid',
}

export const BOUNDS: Bounds = { maxValidityMs: 600_000, maxLock: 0n, unit: 'iso4217:USD' }
export const CHANNELS = memoryLedger()
/** Seconds are whole, so that validity can be told to the second. */
export const NOW: Instant = 1_800_000_000_000

export function context(more: Partial<QuoteContext> = {}): QuoteContext {
  return {
    resource: RESOURCE,
    bounds: BOUNDS,
    now: NOW,
    ledger: LEDGER,
    currencies: currencyTable(),
    channels: CHANNELS,
    ...more,
  }
}

/** An entry of `accepts`, as version 2 writes it. */
export function entry(more: JsonObject = {}): JsonObject {
  return {
    scheme: 'exact',
    network: BASE,
    amount: '10000',
    asset: USDC,
    payTo: PAYEE,
    maxTimeoutSeconds: 60,
    extra: { name: 'USD Coin', version: '2' },
    ...more,
  }
}

export function x402(accepted: JsonObject, echo: JsonObject = {}, version: 1 | 2 = 2): Challenge {
  return {
    kind: `x402/${String(accepted['scheme'])}`,
    id: randomUUID(),
    realm: 'api.example',
    request: accepted,
    echo: { envelope: 'x402', version, accepted, ...echo },
  }
}

export function mpp(request: JsonObject, more: Partial<Challenge> = {}): Challenge {
  return {
    kind: 'evm/charge',
    id: randomUUID(),
    realm: 'api.example',
    request: { amount: '10000', currency: USDC, recipient: PAYEE, ...request },
    expires: NOW + 60_000,
    echo: { envelope: 'mpp', params: {}, header: 'authorization' },
    ...more,
  }
}

/** What a node answers, by method; `eth_call` by the selector. */
export type Answers = Readonly<Record<string, unknown>>

/** Nodes of Base that know nothing but this. */
export function nodeWith(said: Answers): typeof fetch {
  const answers: Answers = { eth_chainId: '0x2105', ...said }
  return async (_url, init) => {
    const { method, params } = JSON.parse(String(init?.body))
    const key = method === 'eth_call' ? String(params[0].data).slice(0, 10) : method
    return Response.json(
      key in answers
        ? { jsonrpc: '2.0', id: 1, result: answers[key] }
        : { jsonrpc: '2.0', id: 1, error: { code: -32601 } },
    )
  }
}

export function make(options: Partial<EvmOptions> = {}, answers: Answers = {}): Wallet {
  return evm({ account, fetch: nodeWith(answers), ...options })
}

export function payable(quote: Quote | Unpayable): Quote {
  if ('unpayable' in quote) throw new Error(`unpayable: ${quote.unpayable}`)
  return quote
}

export function unpayable(quote: Quote | Unpayable): Unpayable {
  if (!('unpayable' in quote)) throw new Error('this offer was quoted')
  return quote
}

export interface Run {
  readonly payment?: string
  readonly now?: Instant
  readonly after?: Evidence
  readonly lane?: LaneGrant
  readonly bounds?: Partial<Bounds>
  readonly currencies?: readonly Currency[]
}

/** Quote, prepare and complete. */
export async function sign(wallet: Wallet, offer: Challenge, run: Run = {}) {
  const { now = NOW, after, lane, payment = randomUUID() } = run
  const bounds = { ...BOUNDS, ...run.bounds }
  const quote = payable(
    await wallet.quote(
      offer,
      context({
        now,
        bounds,
        currencies: currencyTable(run.currencies),
        ...(after && { earlierEvidence: after }),
      }),
    ),
  )
  const prepared = await prepareQuoted(wallet, quote, { payment, now, bounds, ...(lane && { lane }) })
  const { credential, goodUntil } = await prepared.complete(async () => {
    throw new Error('nothing is delivered beside the credential')
  })
  return { quote, credential, goodUntil, evidence: prepared.evidence, laneNext: prepared.nextLaneValue }
}

export function prepareQuoted(
  wallet: Wallet,
  quote: Quote,
  run: { payment?: string; now?: Instant; bounds?: Bounds; lane?: LaneGrant } = {},
): Promise<Prepared> {
  const { payment = randomUUID(), now = NOW, bounds = BOUNDS, lane } = run
  const authorization = mintAuthorization({
    payment,
    quote,
    bounds,
    ledger: LEDGER,
    expires: now + 60_000,
    ...(lane && { lane }),
  })
  return wallet.prepare(authorization, { now, channels: CHANNELS })
}

/** A member of a payload, however deep. */
export function at(object: JsonObject, ...path: readonly string[]): unknown {
  let value: unknown = object
  for (const name of path)
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  return value
}

export function dollar(network: string, address: string, more: Partial<Currency> = {}): Currency {
  return token(network, address, { symbol: 'TUSD', decimals: 6, peg: 'iso4217:USD', ...more })
}

/** A wallet that throws cannot pay an offer either. */
export function attempt(quote: Promise<Quote | Unpayable>): Promise<Quote | Unpayable> {
  return quote.catch((error: unknown) => ({ unpayable: String(error) }))
}
