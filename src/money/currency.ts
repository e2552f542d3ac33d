/** A currency. Its decimals come from Purser's table or the user's options, never from a server. */
export interface Currency {
  /** CAIP-19 for tokens (`eip155:4217/erc20:0x20c0…`, lower case), `iso4217:USD` for fiat. */
  readonly id: string
  readonly symbol: string
  readonly decimals: number
  /** The id of the unit with the same value, one to one. */
  readonly peg?: string
  /**
   * The highest value in a unit to which the currency is not pegged. It is stored with every amount, in the ledger too.
   */
  readonly rate?: Rate
}

/** The maximum of decimals in a rate: enough for the smallest unit of any coin. */
export const RATE_DECIMALS = 18

/** The highest value of one unit of a currency. The user states it; a vendor never does. */
export type Rate = {
  /** The id of the unit in which the value is given. */
  readonly unit: string
  /** Plain decimal text, such as `'1.12'`. */
  readonly most: string
}

/**
 * Describes a token on an EVM-compatible chain.
 *
 * @param network - CAIP-2 id, for example `eip155:4217`.
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

/** Returns the CAIP-19 id of a token. The address is lower-cased. */
export function tokenId(network: string, address: string): string {
  return `${network}/erc20:${address.toLowerCase()}`
}

/**
 * Describes a currency of ISO 4217. It is its own unit.
 *
 * @param code - For example `USD`.
 * @param decimals - Decimals of its smallest unit on the wire: 2 for `USD`, 0 for `JPY`.
 * @example
 * ```ts
 * const euro = fiat('EUR', 2)
 * euro.id // 'iso4217:EUR'
 * ```
 */
export function fiat(code: string, decimals: number): Currency {
  return Object.freeze({ id: `iso4217:${code}`, symbol: code, decimals })
}

const USD_PEG = 'iso4217:USD'
const dollar = (network: string, address: string, symbol: string): Currency =>
  token(network, address, { symbol, decimals: 6, peg: USD_PEG })

/** The built-in currencies. */
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

/** A table that finds currencies by id. A vendor can never add to it. */
export interface CurrencyTable {
  get(id: string): Currency | undefined
  /** Finds a token by CAIP-2 network and address. The case of the address does not matter. */
  token(network: string, address: string): Currency | undefined
  /** Lists the known tokens of a CAIP-2 network. */
  on(network: string): readonly Currency[]
}

/**
 * Combines the built-in currencies with the user's own.
 *
 * @throws TypeError if a currency is malformed or contradicts a known one.
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

/** The networks with real money. Every other chain counts as a test network and is paid only if the policy names it. */
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

/** Tells whether a network uses real money. */
export function isProductionNetwork(network: string): boolean {
  return PRODUCTION.has(network)
}
