import { type Amount, CURRENCIES, type Currency, fiat, parseAmount, token } from '../../src/money/index.js'
import type { Context, Facts, PolicyDocument, Terms } from '../../src/policy/index.js'
import type { HttpResource, ToolResource } from '../../src/protocol/index.js'

export const SHOP = 'https://api.shop.example'
/** A Wednesday noon, UTC. */
export const NOW = Date.UTC(2026, 6, 15, 12)

const EXTRA: Readonly<Record<string, Currency>> = {
  EUR: fiat('EUR', 2),
  ratedEUR: { ...fiat('EUR', 2), rate: { unit: 'iso4217:USD', most: '1.5' } },
  // Looks like a dollar and is worth nothing here: it has no peg.
  lookalike: token('eip155:4217', '0x20c000000000000000000000000000000000dead', {
    symbol: 'pathUSD',
    decimals: 6,
  }),
  // More decimals than budgets count in.
  fine: token('eip155:1', '0x00000000000000000000000000000000000f17e5', {
    symbol: 'FINE',
    decimals: 18,
    peg: 'iso4217:USD',
  }),
}

export function money(text: string, currency = 'pathUSD'): Amount {
  const known = new Map<string, Currency>([...Object.entries(CURRENCIES), ...Object.entries(EXTRA)])
  const found = known.get(currency)
  if (found === undefined) throw new TypeError(`No currency ${currency} in the fixtures`)
  return parseAmount(text, found)
}

export interface TermsSpec {
  readonly price?: string
  readonly currency?: string
  readonly fee?: string
  readonly feeCurrency?: string
  readonly locks?: string
  readonly escrow?: string
  readonly payees?: Readonly<Record<string, string>>
  readonly purpose?: Terms['purpose']
  readonly kind?: Terms['kind']
  readonly network?: string
  readonly exact?: boolean
}

/** Terms from texts: one cent to one shop, unless told otherwise. */
export function terms(spec: TermsSpec = {}): Terms {
  const { price = '0.01', currency = 'pathUSD', fee, locks, escrow, purpose = 'pay', exact = true } = spec
  const payees = spec.payees ?? { '0x5a0b': price }
  const bound = fee === undefined ? undefined : money(fee, spec.feeCurrency ?? currency)
  return {
    purpose,
    kind: spec.kind ?? 'tempo/charge',
    network: spec.network ?? 'eip155:4217',
    most: money(price, currency),
    exact,
    payees: Object.entries(payees).map(([id, part]) => ({ id, amount: money(part, currency) })),
    ...(bound === undefined ? {} : { fee: { bound, usual: bound } }),
    ...(locks === undefined ? {} : { locks: money(locks, currency) }),
    ...(escrow === undefined ? {} : { escrow }),
  }
}

export function call(url = `${SHOP}/v1/items`, method = 'GET'): HttpResource {
  const { origin, pathname } = new URL(url)
  return dialled(origin, pathname, method)
}

/** A resource as given, without any URL parser in between. */
export function dialled(vendor: string, path = '/', method = 'GET'): HttpResource {
  return {
    transport: 'http',
    vendor,
    method,
    path,
    operation: `${method} ${path}`,
    address: `${vendor}${path}`,
  }
}

export function tool(vendor: string, name: string): ToolResource {
  return { transport: 'mcp', vendor, tool: name, operation: `tool:${name}`, address: vendor }
}

export function context(over: Partial<Context> = {}): Context {
  return { agent: 'a', tasks: [], ...over }
}

export function facts(over: Partial<Facts> = {}): Facts {
  return {
    now: NOW,
    version: 7,
    pins: {},
    usual: {},
    grants: [],
    knownVendor: true,
    denied: [],
    denials: 0,
    ...over,
  }
}

/** The smallest document that may pay the shop. */
export const BASE = {
  perPayment: '1',
  budgets: [{ limit: '100', per: 'day' }],
  vendors: [{ origin: SHOP }],
} as const satisfies PolicyDocument
