export {
  acceptQuality,
  formatAcceptPayment,
  isPreference,
  likingOf,
  type PaymentRange,
  type Preference,
  parseAcceptPayment,
} from './accept-payment.js'
export { asBase64url, decodeBase64url, encodeBase64url } from './base64url.js'
export {
  type BodyLimits,
  drainBody,
  isBuffer,
  isBytes,
  type ReplyBody,
  readBody,
  readText,
  type Unread,
} from './body.js'
export { type ParsedChallenges, parseChallengeObjects, parseChallenges } from './challenge.js'
export { type CredentialHeader, encodeCredential } from './credential.js'
export { CALLER_PAYS, isSettlementPending, SETTLEMENT_PENDING, unreadableOffer } from './demand.js'
export { digestMatches } from './digest.js'
export type { Advertised, AdvertisedOffer, AdvertisedOperation } from './discovery/advertised.js'
export { readOpenApi } from './discovery/openapi.js'
export { readCatalogue } from './discovery/x402.js'
export { JSON_LIMITS, type JsonLimits, parseJsonObject } from './json.js'
export { type CredentialMeta, credentialMeta, META, objectIn, problemIn, receiptInMeta } from './native.js'
export { PROBLEMS, parseProblem } from './problem.js'
export { PROTOCOL_ERROR_CODES, ProtocolError, type ProtocolErrorCode } from './protocol-error.js'
export { parseReceipt, receiptOf } from './receipt.js'
export { parseDateTime } from './time.js'
export type {
  Challenge,
  Credential,
  Echo,
  HttpResource,
  Json,
  JsonObject,
  MppChallenge,
  MppEcho,
  OfferKind,
  Problem,
  Receipt,
  ReplyInfo,
  Resource,
  SignInChallenge,
  SignInEcho,
  ToolResource,
  X402Challenge,
  X402Echo,
} from './types.js'
export { x402Network } from './x402/networks.js'
export {
  isPaymentRequired,
  type ParsedPaymentRequired,
  parsePaymentRequired,
  parsePaymentRequiredBody,
  parsePaymentRequiredObject,
} from './x402/payment-required.js'
export {
  parsePaymentResponse,
  rejectionProblem,
  settlementProblem,
  x402Problem,
} from './x402/payment-response.js'
