/** A kind of money. Its decimals are known here, never learned from a server. */
export interface Currency {
  /** CAIP-19 for tokens (`eip155:4217/erc20:0x20c0…`, lower case), `iso4217:USD` for fiat. */
  readonly id: string
  readonly symbol: string
  readonly decimals: number
  /** Id of the unit this currency always has the same value as, one to one. */
  readonly peg?: string
  /** What it is at most worth in a unit that it is not pegged to. It travels with every amount, into the ledger too. */
  readonly rate?: Rate
}

/** Decimals that a rate may have: enough for the smallest part of a coin. */
export const RATE_DECIMALS = 18

/** What one of a currency is at most worth: the user's word, never a vendor's. */
export type Rate = {
  /** The id of the unit that it is said in. */
  readonly unit: string
  /** A plain decimal text, such as `'1.12'`. */
  readonly most: string
}

/**
 * A token on an EVM-like chain.
 *
 * @param network CAIP-2, for example `eip155:4217`.
 * @example
 * ```ts
 * const mine = token('eip155:31337', '0x20c0000000000000000000000000000000000001', { symbol: 'AlphaUSD', decimals: 6, peg: 'iso4217:USD' })
 * ```
 */
export function token(
  network: string,
  address: string,
  facts: { readonly symbol: string; readonly decimals: number; readonly peg?: string },
): Currency {
  return Object.freeze({ id: tokenId(network, address), ...facts })
}

/** The CAIP-19 id of a token; addresses compare in lower case. */
export function tokenId(network: string, address: string): string {
  return `${network}/erc20:${address.toLowerCase()}`
}

/** A currency of ISO 4217. Its unit is itself. */
export function fiat(code: string, decimals: number): Currency {
  return Object.freeze({ id: `iso4217:${code}`, symbol: code, decimals })
}

const USD_PEG = 'iso4217:USD'
const dollar = (network: string, address: string, symbol: string): Currency =>
  token(network, address, { symbol, decimals: 6, peg: USD_PEG })

/** The currencies Purser knows by itself. */
export const CURRENCIES = Object.freeze({
  USD: fiat('USD', 2),
  /** Tempo mainnet. */
  pathUSD: dollar('eip155:4217', '0x20c0000000000000000000000000000000000000', 'pathUSD'),
  USDCe: dollar('eip155:4217', '0x20c000000000000000000000b9537d11c60e8b50', 'USDC.e'),
  /** Tempo's public test network. */
  testPathUSD: dollar('eip155:42431', '0x20c0000000000000000000000000000000000000', 'pathUSD'),
  testAlphaUSD: dollar('eip155:42431', '0x20c0000000000000000000000000000000000001', 'AlphaUSD'),
  testBetaUSD: dollar('eip155:42431', '0x20c0000000000000000000000000000000000002', 'BetaUSD'),
  testThetaUSD: dollar('eip155:42431', '0x20c0000000000000000000000000000000000003', 'ThetaUSD'),
})

/** Looks up currencies by id. A vendor can never add to it. */
export interface CurrencyTable {
  get(id: string): Currency | undefined
  /** A token by CAIP-2 network and address, in any case. */
  token(network: string, address: string): Currency | undefined
  /** The tokens that are known on a CAIP-2 network. */
  on(network: string): readonly Currency[]
}

/**
 * The built-in table and the user's own currencies.
 *
 * @throws TypeError if a currency is malformed, or contradicts one that is already known.
 */
export function currencyTable(own: readonly Currency[] = []): CurrencyTable {
  if (!Array.isArray(own)) throw new TypeError('currencies must be a list: [token(…)]')
  const known = new Map<string, Currency>(Object.values(CURRENCIES).map((c) => [c.id, c]))
  for (const currency of own) {
    const id = checkCurrency(currency)
    const before = known.get(id)
    if (before !== undefined && (before.decimals !== currency.decimals || before.peg !== currency.peg))
      throw new TypeError(`The currency ${id} is already known with other decimals or another peg`)
    known.set(id, Object.freeze({ ...currency, id }))
  }
  return Object.freeze({
    get: (id: string) => known.get(id),
    token: (network: string, address: string) => known.get(tokenId(network, address)),
    on: (network: string) => [...known.values()].filter(({ id }) => id.startsWith(`${network}/erc20:`)),
  })
}

function checkCurrency(currency: Currency): string {
  const { id, symbol, decimals, peg } = currency
  if (typeof id !== 'string' || !/^[a-z0-9]+:[^\s/]+(\/[a-z0-9]+:[^\s]+)?$/i.test(id))
    throw new TypeError('A currency needs an id like "eip155:4217/erc20:0x…" or "iso4217:USD"')
  if (typeof symbol !== 'string' || symbol === '' || symbol.length > 20)
    throw new TypeError(`The currency ${id} needs a symbol of 1 to 20 characters`)
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > 36)
    throw new TypeError(`The currency ${id} needs decimals from 0 to 36`)
  if (peg !== undefined && typeof peg !== 'string')
    throw new TypeError(`The peg of ${id} must be a currency id, for example "iso4217:USD"`)
  return id.includes('/erc20:') ? id.toLowerCase() : id
}

/** Networks where the money is real. Every other chain is a test network, and paid only when policy names it. */
const PRODUCTION: ReadonlySet<string> = new Set([
  'eip155:1',
  'eip155:10',
  'eip155:137',
  'eip155:4217',
  'eip155:8453',
  'eip155:42161',
  'eip155:42220',
  'eip155:43114',
  // Bitcoin
  'bip122:000000000019d6689c085ae165831e93',
  'stripe:live',
])

/** Is this network one where the money is real? */
export function isProductionNetwork(network: string): boolean {
  return PRODUCTION.has(network)
}
