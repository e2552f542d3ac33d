export { lightning } from './lightning.js'
export { bitcoin, type LightningNetwork } from './networks.js'
export type {
  InvoicePayment,
  LightningAbsence,
  LightningFailure,
  LightningOptions,
  LightningOutcome,
  RoutingFee,
} from './options.js'
