import { type Amount, amount, type Currency, type CurrencyTable } from '../money/index.js'
import type { AdvertisedOffer } from '../protocol/index.js'

/** What an advertised offer may come to, and where. */
export interface Price {
  readonly network: string
  readonly price: Amount
}

const BITCOIN = 'bip122:000000000019d6689c085ae165831e93'

/**
 * An advertised amount in currencies that are known here. A document names a token by its address alone, so that there
 * may be one on several chains; decimals never come from it.
 *
 * @param known Currencies to look for an address among.
 */
export function pricesOf(
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

/** All that there will ever be. */
const MOST_SATS = 2_100_000_000_000_000n
