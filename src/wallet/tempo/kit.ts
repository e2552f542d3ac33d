/** What another wallet on the same chain is made of: its transactions, its nodes, its options. In no entry point. */

export { type Balances, balanceCache } from './balances.js'
export { type Envelope, EXPIRING, encodeForSigning, seenHash, serialize } from './envelope.js'
export { FINALITY_MS } from './evidence.js'
export { feeAmount } from './gas.js'
export { type Config, configure } from './options.js'
export { broadcast } from './push.js'
export { addressOf, currencyOf, feeCurrency, LEAST_VALIDITY_MS, networkOf, overFee } from './quote.js'
export {
  type Block,
  blockAt,
  firstBlockAt,
  readBlock,
  readLogs,
  readReceipt,
  readSeen,
} from './reads.js'
export { ask, type Node } from './rpc.js'
export { failed, sign } from './sign.js'
