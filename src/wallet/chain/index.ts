/** What wallets on chains with an Ethereum node have in common. In no entry point. */

export { type Balances, balanceCache, PATIENCE_MS } from './balances.js'
export { broadcast } from './broadcast.js'
export { oneEnd } from './ends.js'
export { overFee } from './fee.js'
export { type Hex, lower, word } from './hex.js'
export { digitsOf, hexOf, isObject, readCurrency } from './json.js'
export { checkChainId, type NodeBook, type Nodes, type NodeUrls, nodesOf } from './nodes.js'
export { parsePrivateKey } from './private-key.js'
export { type Readings, readings } from './readings.js'
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
export { listening } from './times.js'
export { checkIsOf, consult } from './views.js'
