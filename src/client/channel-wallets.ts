import type { ChannelWallet, Wallet } from '../wallet/index.js'

/** The methods that every wallet of channels has. The compiler holds the names to the port. */
const METHODS = ['inspectChannel', 'quoteOperation'] as const satisfies readonly (keyof ChannelWallet)[]

/** Does this wallet keep channels that their owner can look after? */
export function isChannelWallet(wallet: Wallet): wallet is ChannelWallet {
  return METHODS.every((name) => typeof Reflect.get(wallet, name) === 'function')
}
