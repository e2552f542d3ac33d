export { PaymentSieve, type Sifted } from './frames.js'
export { meterReply } from './meter.js'
export { News } from './news.js'
