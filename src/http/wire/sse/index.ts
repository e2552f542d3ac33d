export { type FilterResult, PaymentEventFilter } from './frames.js'
export { LatestEvents } from './latest-events.js'
export { meterReply } from './meter.js'
