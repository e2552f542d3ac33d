/** What another wallet on the same chain is made of: its transactions, its nodes, its options. In no entry point. */

export {
  ask,
  type Balances,
  type Block,
  balanceCache,
  blockAt,
  broadcast,
  checkIsOf,
  failed,
  firstBlockAt,
  type Node,
  oneEnd,
  overFee,
  readBlock,
  readCurrency,
  readLogs,
  readReceipt,
  sign,
} from '../chain/index.js'
export { type Envelope, EXPIRING, encodeForSigning, seenHash, serialize } from './envelope.js'
export { FINALITY_MS } from './evidence.js'
export { feeAmount } from './gas.js'
export { checkCalls } from './key-limits.js'
export { type Config, configure } from './options.js'
export { addressOf, currencyOf, feeCurrency, LEAST_VALIDITY_MS, networkOf } from './quote.js'
export { readSeen, readTransactions } from './reads.js'
