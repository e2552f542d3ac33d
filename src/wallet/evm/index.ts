export type { Hex } from '../chain/index.js'
export { evm } from './evm.js'
export type { EvmAccount, EvmGasOptions, EvmOptions, EvmWay } from './options.js'
export type { TokenDomain } from './tokens.js'
