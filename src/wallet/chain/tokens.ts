import type { Currency, CurrencyTable } from '../../money/index.js'
import type { QuoteContext, Unpayable } from '../quote.js'
import { unpayable } from '../shared.js'
import type { Hex } from './hex.js'
import type { Nodes } from './nodes.js'

/** Returns the CAIP-2 id of a chain. */
export function networkOf({ chainId }: { readonly chainId: number }): string {
  return `eip155:${chainId}`
}

/** Finds a known token: in Purser's table, or in the wallet's own. */
export function tokenCurrency(
  { chainId, token }: { readonly chainId: number; readonly token: string },
  { currencies }: Pick<QuoteContext, 'currencies'>,
  { own }: { readonly own: CurrencyTable },
): Currency | Unpayable {
  const network = networkOf({ chainId })
  return (
    currencies.token(network, token) ??
    own.token(network, token) ??
    unpayable(
      `${network}/erc20:${token} is not a known currency: add it to \`currencies\` of createPurser`,
      'unknown_currency',
    )
  )
}

export function addressOf({ id }: Pick<Currency, 'id'>): Hex {
  return `0x${id.slice(id.lastIndexOf('0x') + 2)}`
}

/**
 * Returns why a wallet cannot pay on a chain: its option `chains` excludes the chain, or it has no node there. Without a
 * node, no one could find out what happened to a payment.
 */
export function chainRefusal(
  chainId: number,
  { chains, nodes }: { readonly chains: ReadonlySet<number> | undefined; readonly nodes: Nodes },
): Unpayable | undefined {
  const network = networkOf({ chainId })
  if (chains !== undefined && !chains.has(chainId))
    return unpayable(
      `This wallet does not pay on ${network}: \`chains\` of the wallet names others`,
      'wrong_chain',
    )
  if (nodes(chainId) !== undefined) return undefined
  return unpayable(`This wallet has no node for ${network}: name one in \`rpc\` of the wallet`, 'wrong_chain')
}

/** Names the payer in a credential, as a DID. */
export function payerOn(
  chain: { readonly chainId: number },
  { checksummed }: { readonly checksummed: Hex },
): string {
  return `did:pkh:${networkOf(chain)}:${checksummed}`
}
