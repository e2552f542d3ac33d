import { randomUUID } from 'node:crypto'
import { memoryLedger } from '../../../src/entry/ledger-memory.js'
import type { Evidence, LaneGrant } from '../../../src/ledger/index.js'
import { currencyTable, type Instant } from '../../../src/money/index.js'
import type { Bounds } from '../../../src/policy/index.js'
import {
  type Challenge,
  type Credential,
  encodeCredential,
  type JsonObject,
  parseChallenges,
  parseReceipt,
  type Resource,
} from '../../../src/protocol/index.js'
import { mintAuthorization } from '../../../src/wallet/authorization.js'
import type {
  Authorization,
  Prepared,
  Quote,
  QuoteContext,
  Unpayable,
  Wallet,
} from '../../../src/wallet/index.js'
import { LOCAL_CURRENCIES } from '../../chain/chain.js'

export const LEDGER = 'ledger-of-this-test'

export const RESOURCE: Resource = {
  transport: 'http',
  vendor: 'http://127.0.0.1',
  operation: 'GET /paid',
  address: 'http://127.0.0.1/paid',
  method: 'GET',
  path: '/paid',
}

export const BOUNDS: Bounds = { maxValidityMs: 600_000, maxLock: 0n, unit: 'iso4217:USD' }

/** No charge needs them. */
export const CHANNELS = memoryLedger()

export function context(more: Partial<QuoteContext> = {}): QuoteContext {
  return {
    resource: RESOURCE,
    bounds: BOUNDS,
    now: Date.now(),
    ledger: LEDGER,
    currencies: currencyTable(LOCAL_CURRENCIES),
    channels: CHANNELS,
    ...more,
  }
}

/** A `tempo/charge` challenge as a codec would read it, without a server behind it. */
export function challenge(request: JsonObject, more: Partial<Challenge> = {}): Challenge {
  return {
    kind: 'tempo/charge',
    id: randomUUID(),
    realm: '127.0.0.1',
    request,
    expires: Date.now() + 60_000,
    echo: { envelope: 'mpp', params: {}, header: 'authorization' },
    ...more,
  }
}

/** Every offer in a 402. */
export function offersIn(response: Response): readonly Challenge[] {
  return parseChallenges(response.headers.get('www-authenticate') ?? '').challenges
}

/** The first offer of an unpaid request. */
export async function offerOf(url: string): Promise<Challenge> {
  const response = await fetch(url)
  const [offer] = offersIn(response)
  if (offer === undefined) throw new Error(`no offer in a ${response.status}`)
  return offer
}

export function send(url: string, credential: Credential): Promise<Response> {
  const { header, value } = encodeCredential(credential)
  return fetch(url, { headers: { [header]: value } })
}

/** The reference in a paid answer's receipt. */
export function referenceIn(response: Response): string | undefined {
  return parseReceipt(response.headers.get('payment-receipt') ?? '')?.reference
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
  readonly now?: Instant
  readonly after?: Evidence
  readonly lane?: LaneGrant
  readonly signal?: AbortSignal
  readonly bounds?: Partial<Bounds>
}

export function authorize(quote: Quote, { lane, now = Date.now(), bounds = {} }: Run = {}): Authorization {
  return mintAuthorization({
    payment: randomUUID(),
    quote,
    bounds: { ...BOUNDS, ...bounds },
    ledger: LEDGER,
    expires: now + 60_000,
    ...(lane ? { lane } : {}),
  })
}

/** Quote and prepare. */
export async function prepare(
  wallet: Wallet,
  offer: Challenge,
  run: Run = {},
): Promise<Prepared & { quote: Quote }> {
  const { now = Date.now(), after, signal } = run
  const quote = payable(
    await wallet.quote(
      offer,
      context({ now, bounds: { ...BOUNDS, ...run.bounds }, ...(after ? { earlierEvidence: after } : {}) }),
    ),
  )
  const prepared = await wallet.prepare(authorize(quote, run), {
    now,
    channels: CHANNELS,
    ...(signal ? { signal } : {}),
  })
  return { ...prepared, quote }
}

const deliver = async () => {
  throw new Error('a charge delivers nothing beside its credential')
}

/** The whole of it: ask, quote, prepare, complete, send. */
export async function pay(wallet: Wallet, url: string, run: Run = {}) {
  const offer = await offerOf(url)
  const prepared = await prepare(wallet, offer, run)
  const completed = await prepared.complete(deliver)
  const response = await send(url, completed.credential)
  return { offer, ...prepared, ...completed, evidence: completed.evidence ?? prepared.evidence, response }
}

export function complete(prepared: Prepared) {
  return prepared.complete(deliver)
}
