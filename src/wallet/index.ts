export { type Authorization, type Spendable, spendAuthorization } from './authorization.js'
export type {
  AccessKeyName,
  Allowances,
  Authorized,
  AuthorizeOptions,
  KeyKeeper,
  KeyLimit,
  KeyProposal,
  KeyWish,
  OpenAllowance,
} from './keys.js'
export { OPTIONAL_METHODS } from './optional-methods.js'
export type {
  Acceptance,
  ChannelAct,
  ChannelView,
  ChannelWallet,
  Completed,
  Deliver,
  GivenUp,
  HeardTime,
  InspectOptions,
  NodeFault,
  NotTaken,
  Prepared,
  PrepareOptions,
  Waiting,
  Wallet,
} from './port.js'
export type { Quote, QuoteContext, Unpayable } from './quote.js'
export { hasNothingLeft } from './unsent.js'
