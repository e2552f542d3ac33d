export { install, pristine, type Restore } from './install.js'
export { noStore } from './no-store.js'
export {
  type FetchPayment,
  type HttpCall,
  httpCall,
  type PayingFetch,
  type PayingFetchOptions,
  type PayingInit,
  payingFetch,
} from './paying-fetch.js'
export type { FetchLike } from './request.js'
