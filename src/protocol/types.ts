import type { Reason } from '../errors/index.js'
import type { Instant } from '../money/index.js'

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. The value of a key is unknown until it has been checked. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** Method and intent (or scheme): `tempo/charge`, `tempo/session`, `stripe/charge`, `evm/charge`, `x402/exact`, … */
export type OfferKind = `${string}/${string}`

/**
 * The resource that was requested, and its vendor. The transport fills it in. The server does not: `realm`,
 * `resource.url` and descriptions decide nothing.
 */
export type Resource = HttpResource | ToolResource

/** A resource bought by an HTTP request. */
export interface HttpResource {
  /** The origin of the request URL, or the name that the caller gave an MCP or JSON-RPC server. */
  readonly vendor: string
  /** The operation, without a query: `GET /v1/search`, `tool:search`, `eth_call`. */
  readonly operation: string
  /**
   * The destination of a credential: the URL without its fragment, or the vendor's name. A URL is not enumerable, so
   * that loggers do not print its query.
   */
  readonly address: string
  readonly transport: 'http'
  readonly method: string
  /** The URL's path, as WHATWG normalised it (still percent-encoded). */
  readonly path: string
}

/** A call of a tool or a method on a server that the caller named. */
export interface ToolResource extends Pick<HttpResource, 'vendor' | 'operation' | 'address'> {
  readonly transport: 'mcp' | 'jsonrpc'
  readonly tool: string
}

/** One offer of a 402: parsed, not yet trusted. */
export interface Challenge {
  readonly kind: OfferKind
  /** The challenge's id. x402 has none; there it is the hash of the chosen entry. */
  readonly id: string
  /** The server's name for its protection space. Proofs and memos are bound to it; it decides nothing. */
  readonly realm: string
  /** The method's parameters: amount, currency, recipient, methodDetails, … Their values are not checked yet. */
  readonly request: JsonObject
  readonly expires?: Instant
  /** The digest of the request body that the server saw, in the server's spelling. */
  readonly digest?: string
  /** The server's description, cleaned. It is shown to people and decides nothing. */
  readonly words?: string
  /** The data that must be returned unchanged. Only the codec that read the challenge looks inside. */
  readonly echo: Echo
}

/** An offer of the `Payment` scheme. */
export interface MppChallenge extends Challenge {
  readonly echo: MppEcho
}

/** An offer of x402. */
export interface X402Challenge extends Challenge {
  readonly echo: X402Echo
}

/**
 * A request to prove an address instead of paying, for callers who have paid before (x402's `sign-in-with-x`). Its kind
 * is `x402/sign-in`, and its `request` holds the extension's `info` and `supportedChains`.
 */
export interface SignInChallenge extends Challenge {
  readonly echo: SignInEcho
}

/** The data of each envelope that its server must get back byte for byte. */
export type Echo = MppEcho | X402Echo | SignInEcho

/** The data that a server of the `Payment` scheme gets back with the credential. */
export interface MppEcho {
  readonly envelope: 'mpp'
  /** The auth-params as received (decoded quoted-strings): `id`, `realm`, `method`, `intent`, `request`, … */
  readonly params: Readonly<Record<string, string>>
  /** The request header for the credential. */
  readonly header: 'authorization' | 'payment-authorization'
}

/** The data that an x402 server gets back with the payload. */
export interface X402Echo {
  readonly envelope: 'x402'
  readonly version: 1 | 2
  /** The chosen entry of `accepts`, as received. */
  readonly accepted: JsonObject
  readonly resource?: JsonObject
  readonly extensions?: JsonObject
}

/** The data that a server gets back with a sign-in's signature. */
export interface SignInEcho {
  readonly envelope: 'sign-in'
  /** The fields of the message as received: domain, uri, nonce, issuedAt, … without explicit nulls. */
  readonly info: JsonObject
}

/** A proof of payment, before the exchange encodes it. A bearer secret. */
export interface Credential {
  readonly challenge: Challenge
  readonly payload: JsonObject
  /** Replaces the x402 extensions that the server offered, if the wallet added to them. */
  readonly extensions?: JsonObject
  /** The payer as a DID: `did:pkh:eip155:4217:0x…`. */
  readonly source?: string
}

/** The server's statement that it was paid. Purser checks it and does not rely on it. */
export interface Receipt {
  readonly success: boolean
  readonly method?: string
  readonly reference?: string
  readonly challengeId?: string
  readonly timestamp?: string
  readonly externalId?: string
  /** The CAIP-2 id of the network on which the money moved, according to the server. Only x402 states it. */
  readonly network?: string
  /** The complete statement, as received. */
  readonly claims: JsonObject
}

/** An RFC 9457 problem. `title` and `detail` are the server's texts, cleaned. */
export interface Problem {
  readonly type: string
  readonly title?: string
  readonly detail?: string
  readonly status?: number
  readonly challengeId?: string
}

/** The payment information of an answer. */
export type ReplyInfo =
  /** The server asks for a payment. `at` is the destination of a credential. */
  | {
      readonly kind: 'payment-required'
      readonly at: Resource
      /** The server's time, from its `Date` header. */
      readonly date?: Instant
      readonly offers: readonly Challenge[]
      /** The faults of unreadable offers, or the reasons why no offer may be paid. */
      readonly reasons?: readonly Reason[]
      readonly problem?: Problem
      readonly receipt?: Receipt
    }
  /** Any other answer. `ok` is the transport's own success. */
  | {
      readonly kind: 'response'
      readonly ok: boolean
      readonly status: number
      readonly receipt?: Receipt
      readonly problem?: Problem
      /** The time of a Retry-After, which may be seconds or a date. */
      readonly retryAt?: Instant
    }
  /** The paid request was redirected and not followed. `to` is unknown in browsers. */
  | { readonly kind: 'redirect'; readonly to?: string; readonly receipt?: Receipt }
