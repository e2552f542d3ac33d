/** The shared code of wallets on EVM-compatible chains. No entry point exports it. */

export { type Balances, balanceCache, PATIENCE_MS } from './balances.js'
export { broadcast } from './broadcast.js'
export { type CachedReads, cachedReads } from './cached-reads.js'
export {
  allowanceCall,
  approveCall,
  type Call,
  decodeUint,
  encodeTransfer,
  type ReadOptions,
  readContract,
  type StateAt,
  TRANSFER,
  TRANSFER_EVENT,
} from './contracts.js'
export { type Hex, lower, readAddress, withRecovery, word } from './hex.js'
export { checkChainId } from './nodes.js'
export { type ChainConfig, type ChainOptions, configureChain } from './options.js'
export { parsePrivateKey } from './private-key.js'
export {
  answered,
  type Block,
  blockAt,
  type ChainReceipt,
  firstBlockAt,
  hex,
  type Log,
  numeral,
  quantity,
  readBlock,
  readLogs,
  readReceipt,
  record,
} from './reads.js'
export { ask, type Node } from './rpc.js'
export { failed, sign } from './sign.js'
export { addressOf, chainRefusal, networkOf, payerOn, tokenCurrency } from './tokens.js'
export { askNodes, checkIsOf } from './views.js'
