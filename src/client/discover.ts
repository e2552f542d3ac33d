import { type Names, ownOptions } from '../errors/index.js'
import { pristine } from '../fetch/index.js'
import { isConfidential, resourceAt } from '../http/index.js'
import {
  type Amount,
  amount,
  CURRENCIES,
  type Currency,
  type CurrencyTable,
  count,
  type Instant,
} from '../money/index.js'
import type { Env } from '../pay/index.js'
import { type Context, type Decision, operationPattern, type Terms } from '../policy/index.js'
import {
  type Advertised,
  type AdvertisedOffer,
  type AdvertisedOperation,
  type HttpResource,
  likingOf,
  type OfferKind,
  readCatalogue,
  readOpenApi,
} from '../protocol/index.js'
import { type Finding, highest, type PricedOffer } from './catalog.js'
import { fetchDocument } from './document.js'
import type { OpenPurser } from './open.js'
import type { Settings } from './options.js'

/** The options of a discovery. */
export interface DiscoverOptions {
  /** Asks the server again, even if its last answer is still valid. */
  readonly fresh?: boolean
  readonly signal?: AbortSignal
}

const OPTIONS: Names<DiscoverOptions> = { fresh: true, signal: true }

/**
 * The offers that an origin advertises. They are only advice: the 402 decides the price, and policy decides about the
 * payment.
 */
export interface Discovered {
  readonly origin: string
  /** Its own words, cleaned, like all texts here. */
  readonly title?: string
  readonly categories: readonly string[]
  /** Addresses or paths, as they were given. */
  readonly docs: Readonly<Partial<Record<'apiReference' | 'homepage' | 'llms', string>>>
  readonly operations: readonly DiscoveredOperation[]
  /** The documents that were read. Empty if nothing is advertised. */
  readonly sources: readonly string[]
  /** The documents that could not be read, with the reasons. */
  readonly problems: readonly string[]
}

/** An operation that costs money. */
export interface DiscoveredOperation {
  readonly method: string
  /** With parameters in braces: `/v1/items/{id}`. */
  readonly path: string
  readonly summary?: string
  /** The ways to pay for it. Empty if the document names no price. */
  readonly offers: readonly DiscoveredOffer[]
}

/** One advertised way to pay. */
export interface DiscoveredOffer {
  readonly kind: OfferKind
  /** Undefined if it depends on the request, or if its currency is unknown here. */
  readonly price?: Amount
  readonly words?: string
  /** The ids of the wallets that can pay such offers. */
  readonly wallets: readonly string[]
  /** The decision of policy about this price, for any receiver. Undefined without a price. */
  readonly decision?: Pick<Decision, 'effect' | 'reasons'>
}

const FIVE_MINUTES_MS = 300_000
const A_DAY_MS = 86_400_000
/** The number of prices of one document that are stored in the ledger, for other processes. */
const MOST_WRITTEN = 200

/**
 * Reads the offers that an origin advertises, and evaluates them.
 *
 * @throws TypeError for an address that is no confidential origin.
 */
export async function discover(
  { env, catalog }: OpenPurser,
  settings: Settings,
  context: Context,
  where: string | URL,
  options: DiscoverOptions,
): Promise<Discovered> {
  const { fresh = false, signal } = ownOptions(options, OPTIONS, 'discover()')
  const origin = originOf(where)
  const known = fresh ? undefined : catalog.fresh(origin, env.clock.now())
  const finding = known ?? (await look(origin, settings, env.clock.now(), signal))
  const prices = finding.operations.map((operation) => priced(operation, settings, env))
  if (known === undefined) {
    catalog.keep(origin, finding, prices)
    await writeDown(origin, prices, context, env)
  }
  const operations: DiscoveredOperation[] = []
  for (const { path, offers, ...operation } of prices) {
    const at = resourceAt(new URL(origin + path), operation.method)
    operations.push({ ...operation, path, offers: await judged(offers, at, context, env) })
  }
  const { until: _, ...rest } = finding
  return { origin, ...rest, operations }
}

function originOf(where: string | URL): string {
  const text = String(where)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !isConfidential(url))
    throw new TypeError('discover() needs an https origin, for example https://api.search.example')
  return url.origin
}

/** Reads the OpenAPI document, or the catalogue of an x402 server if that has no prices. */
async function look(
  origin: string,
  { http: { base: fetch = pristine(globalThis.fetch) } }: Settings,
  now: Instant,
  signal: AbortSignal | undefined,
): Promise<Finding> {
  const sources: string[] = []
  const problems: string[] = []
  let age = FIVE_MINUTES_MS
  const read = async (path: string) => {
    const found = await fetchDocument(new URL(path, origin), fetch, signal)
    if ('problem' in found) {
      problems.push(`${path}: ${found.problem}`)
      return undefined
    }
    sources.push(path)
    age = Math.min(A_DAY_MS, found.maxAgeMs ?? FIVE_MINUTES_MS)
    return found.document
  }
  const document = await read('/openapi.json')
  const advertised: Advertised =
    document === undefined ? { categories: [], docs: {}, operations: [] } : readOpenApi(document, origin)
  if (advertised.operations.length > 0) return { ...advertised, sources, problems, until: now + age }
  const catalogue = await read('/discovery/resources?type=http')
  const operations = catalogue === undefined ? [] : readCatalogue(catalogue, origin)
  return { ...advertised, operations, sources, problems, until: now + age }
}

interface Offer extends PricedOffer, AdvertisedOffer {
  readonly prices: readonly Price[]
}

interface Operation extends AdvertisedOperation {
  readonly offers: readonly Offer[]
}

function priced(operation: AdvertisedOperation, { own }: Settings, env: Env): Operation {
  const known = [...Object.values(CURRENCIES), ...own]
  const offers = operation.offers.map((offer): Offer => {
    const prices = pricesOf(offer, known, env.currencies)
    const units = prices.length === 0 ? undefined : highest(prices.map((one) => unitsOf(one, env)))
    return { ...offer, prices, ...(units === undefined ? {} : { units }) }
  })
  return { ...operation, offers }
}

function unitsOf({ price }: Price, { policy }: Env): Pick<PricedOffer, 'units'> {
  const units = count(price, policy.unit)
  return units === undefined ? {} : { units }
}

/** Stores the highest advertised price of each operation, for other processes and for the next start of this one. */
async function writeDown(
  origin: string,
  operations: readonly Operation[],
  context: Context,
  { ledger, policy }: Env,
): Promise<void> {
  for (const { method, path, offers } of operations.slice(0, MOST_WRITTEN)) {
    // The values of a path parameter differ from call to call, like identifiers.
    const at = resourceAt(new URL(origin + path.replace(/\{[^{}/]*\}/g, '0')), method)
    const units = highest(offers)
    if (units !== undefined && policy.payable(at, context))
      await ledger.advertise({ vendor: origin, operation: operationPattern(at), unit: policy.unit }, units)
  }
}

async function judged(
  offers: readonly Offer[],
  at: HttpResource,
  context: Context,
  env: Env,
): Promise<readonly DiscoveredOffer[]> {
  const operation = operationPattern(at)
  const facts = await env.ledger.facts({
    vendor: at.vendor,
    operation,
    agent: context.agent,
    unit: env.policy.unit,
  })
  return offers.map(({ kind, words, prices, payee, exact }) => {
    const wallets =
      likingOf(env.prefer, kind).q === 0 ? [] : env.wallets.filter(({ kinds }) => kinds.includes(kind))
    const answers = prices.map(({ network, price }) => {
      const payees = payee === undefined ? [] : [{ id: payee.toLowerCase(), amount: price }]
      const terms: Terms = { purpose: 'pay', kind, network, most: price, exact, payees }
      const decision = env.policy.evaluate(terms, at, context, facts)
      return { price, decision: payee === undefined ? forAnyPayee(decision) : decision }
    })
    const best = answers.sort((a, b) => EFFECT[a.decision.effect] - EFFECT[b.decision.effect])[0]
    return {
      kind,
      ...(words === undefined ? {} : { words }),
      wallets: wallets.map(({ id }) => id),
      ...(best === undefined
        ? {}
        : { price: best.price, decision: { effect: best.decision.effect, reasons: best.decision.reasons } }),
    }
  })
}

const EFFECT = { allow: 0, ask: 1, deny: 2 } as const

/** A document without a payee says nothing about payees. The 402 will. */
function forAnyPayee({ effect, reasons }: Decision): Pick<Decision, 'effect' | 'reasons'> {
  const others = reasons.filter(({ rule }) => !/(^|\.)payees$/.test(rule))
  if (others.length === reasons.length) return { effect, reasons }
  const asks = ({ rule }: (typeof reasons)[number]) => /(^|\.)(ask\.\w+|unlisted)$/.test(rule)
  const left = others.length === 0 ? 'allow' : others.every(asks) ? 'ask' : 'deny'
  return { effect: left, reasons: others }
}

/** The price of an advertised offer on one network. */
interface Price {
  readonly network: string
  readonly price: Amount
}

const BITCOIN = 'bip122:000000000019d6689c085ae165831e93'

/**
 * Converts an advertised amount into known currencies. A document names a token only by its address, so it may exist
 * on several chains. Decimals never come from the document.
 *
 * @param known The currencies among which an address is searched.
 */
function pricesOf(
  { kind, amount: value, currency, network }: AdvertisedOffer,
  known: readonly Currency[],
  table: CurrencyTable,
): readonly Price[] {
  if (value === undefined || currency === undefined) return []
  const at = (where: string, found: Currency | undefined, parts = value): readonly Price[] =>
    found === undefined || (network !== undefined && network !== where)
      ? []
      : [{ network: where, price: amount(parts, found) }]
  if (/^0x[0-9a-f]{40}$/i.test(currency)) {
    const address = currency.toLowerCase()
    const networks = known.flatMap(({ id }) =>
      id.endsWith(`/erc20:${address}`) ? [id.split('/')[0] ?? ''] : [],
    )
    if (network !== undefined) networks.push(network)
    return [...new Set(networks)].flatMap((where) => at(where, table.token(where, address)))
  }
  if (currency === 'sat') {
    const bitcoin = table.get(`${BITCOIN}/slip44:0`)
    if (bitcoin === undefined || bitcoin.decimals < 8 || value > MOST_SATS) return []
    return at(BITCOIN, bitcoin, value * 10n ** BigInt(bitcoin.decimals - 8))
  }
  if (!/^[a-z]{3}$/i.test(currency)) return []
  const fiat = table.get(`iso4217:${currency.toUpperCase()}`)
  const method = kind.split('/')[0] ?? ''
  return [...at(`${method}:live`, fiat), ...at(`${method}:test`, fiat)]
}

/** The number of sats that will ever exist. */
const MOST_SATS = 2_100_000_000_000_000n
