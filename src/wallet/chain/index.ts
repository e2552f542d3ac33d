/** The shared code of wallets on EVM-compatible chains. No entry point exports it. */

export { type Balances, balanceCache, PATIENCE_MS } from './balances.js'
export { broadcast } from './broadcast.js'
export { type CachedReads, cachedReads as readings } from './cached-reads.js'
export { completeOrDiscard as oneEnd } from './complete-or-discard.js'
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
export { overFee } from './fee.js'
export { type Hex, lower, word } from './hex.js'
export { checkChainId, type NodeBook, type Nodes, type NodeUrls, nodesOf } from './nodes.js'
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
export { serverClock as listening } from './server-clock.js'
export { failed, sign } from './sign.js'
export { askNodes as consult, checkIsOf } from './views.js'
