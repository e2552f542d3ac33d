// Everything that a call needs once money is involved. The core loads this module as a whole, when a server first asks for
// money or when the ledger is first needed. A program whose calls are all free never loads it.

export * as codecs from '../http/wire/index.js'
export { budgetsOf, memoryLedger } from '../ledger/index.js'
export { quote } from '../pay/index.js'
export { answerApproval } from './approvals.js'
export { delegate } from './delegate.js'
export { discover } from './discover.js'
export { openPurser } from './open.js'
export { runPaidCall } from './paid-call.js'
export { closeByHand } from './resolve.js'
export { confirmGap, readStatement } from './restore.js'
export { LedgerSessions } from './sessions.js'
