export {
  type BodyFactory,
  isStream,
  type KeepLimits,
  type KeptBody,
  keepBody,
  keepFactory,
  keepRequestBody,
} from './body.js'
export { type HttpPaymentHandler, handlerOf, registerHandler } from './handler.js'
export type { Head, RefusalReply } from './head.js'
export {
  BODY_HEADERS,
  type HeaderChanges,
  headerOf,
  type KeptHeaders,
  snapshot,
  withHeaders,
  withoutBody,
} from './headers.js'
export { HttpExchange } from './http-exchange.js'
export { type BodyLimits, checkBytes, type HttpLimits, type HttpLimitsOptions, httpLimits } from './limits.js'
export {
  dialled,
  type FetchInput,
  isConfidential,
  isRequest,
  NOT_COPIED,
  resourceAt,
  withoutFragment,
} from './resource.js'
export type { AsideRequest, HttpTransport, OwnRequest, PaidRequest } from './transport.js'
