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
export { isNotSentError as hasNothingLeft } from './not-sent.js'
export { OPTIONAL_METHODS } from './optional-methods.js'
export type {
  Abandonment,
  AcceptedCredential,
  ChannelOperation,
  ChannelView,
  ChannelWallet,
  Completed,
  Deliver,
  InspectOptions,
  NodeFault,
  PendingAction,
  Prepared,
  PrepareOptions,
  RejectedCredential,
  ServerTime,
  Wallet,
} from './port.js'
export type { Quote, QuoteContext, Unpayable } from './quote.js'
