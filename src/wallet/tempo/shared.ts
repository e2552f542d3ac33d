/** The parts that another wallet on the same chain needs: transactions, nodes, options. No entry point exports it. */

export {
  addressOf,
  approveCall,
  type Balances,
  type Block,
  balanceCache,
  blockAt,
  broadcast,
  type Call,
  chainRefusal,
  checkIsOf,
  failed,
  firstBlockAt,
  type Node,
  networkOf,
  readBlock,
  readContract,
  readLogs,
  readReceipt,
  type StateAt,
  sign,
  TRANSFER_EVENT,
  tokenCurrency,
  withRecovery,
} from '../chain/index.js'
export { type Envelope, EXPIRING, encodeForSigning, seenHash, serialize } from './envelope.js'
export { FINALITY_MS } from './evidence.js'
export { type Funded, feesOf, fundedBy, takenBy } from './fee-token.js'
export { feeAmount } from './gas.js'
export { checkCalls } from './key-limits.js'
export { type Config, configure, signerOf } from './options.js'
export { LEAST_VALIDITY_MS } from './quote.js'
export { readSeen, readTransactions } from './reads.js'
