import type { ChannelWallet, Wallet } from '../wallet/index.js'

/** Does this wallet keep channels that their owner can look after? */
export function isChannelWallet(wallet: Wallet): wallet is ChannelWallet {
  const can = (name: string): boolean => typeof Reflect.get(wallet, name) === 'function'
  return can('look') && can('propose')
}
