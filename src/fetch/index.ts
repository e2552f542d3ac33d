export { bodyBytes, type KeepLimits, type KeptBody, keepBody, keepFactory } from './body.js'
export type { Head } from './head.js'
export { BODY_HEADERS } from './headers.js'
export type {
  HttpExchange,
  HttpExchangeOptions,
} from './http-exchange.js'
export { install, pristine, type Restore } from './install.js'
export { type BodyLimits, checkBytes, type HttpLimits, type HttpLimitsOptions, httpLimits } from './limits.js'
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
export { ELSEWHERE, type FetchInput, isConfidential, NOT_COPIED, resourceAt } from './resource.js'
