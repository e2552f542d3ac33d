export { type Authorization, type Spendable, spendAuthorization } from './authorization.js'
export type {
  AccessKeyLimit,
  AccessKeyManager,
  AccessKeyName,
  AccessKeyProposal,
  AccessKeyRequest,
  Allowances,
  AuthorizedKey,
  AuthorizeKeyOptions,
  OpenAllowance,
} from './keys.js'
export {
  type Abandonment,
  type AcceptedCredential,
  type ChannelOperation,
  type ChannelView,
  type ChannelWallet,
  type Completed,
  type Deliver,
  type InspectOptions,
  type NodeFault,
  OPTIONAL_METHODS,
  type PendingAction,
  type Prepared,
  type PrepareOptions,
  type RejectedCredential,
  type ServerTime,
  type Wallet,
} from './port.js'
export type { Quote, QuoteContext, Unpayable } from './quote.js'
export { isNotSentError } from './shared.js'
