export { lightning } from './lightning.js'
export { bitcoin, type LightningNetwork } from './networks.js'
export type {
  InvoicePayment,
  LightningFailure,
  LightningOptions,
  LightningOutcome,
  RoutingFee,
} from './options.js'
