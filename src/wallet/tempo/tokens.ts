import type { Currency } from '../../money/index.js'
import type { QuoteContext, Unpayable } from '../index.js'
import type { Config } from './options.js'

/** Returns the CAIP-2 id of a chain. */
export function networkOf({ chainId }: { readonly chainId: number }): string {
  return `eip155:${chainId}`
}

/** Finds a known token: in Purser's table, or in the wallet's own. */
export function currencyOf(
  token: string,
  network: string,
  context: Pick<QuoteContext, 'currencies'>,
  config: Config,
): Currency | Unpayable {
  const currency = context.currencies.token(network, token) ?? config.own.token(network, token)
  return (
    currency ?? {
      unpayable: `${network}/erc20:${token} is not a known currency: add it to \`currencies\` of createPurser`,
      code: 'unknown_currency',
    }
  )
}

/** Returns the contract address in a token's id. */
export function addressOf({ id }: Currency): `0x${string}` {
  return `0x${id.slice(id.lastIndexOf('0x') + 2)}`
}
