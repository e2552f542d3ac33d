import type { Reason } from '../errors/index.js'
import type { Instant } from '../money/index.js'

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. What stands under a key is unknown until it was checked. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** Method and intent (or scheme): `tempo/charge`, `tempo/session`, `stripe/charge`, `evm/charge`, `x402/exact`, … */
export type OfferKind = `${string}/${string}`

/**
 * What was dialled, and by whom it is sold. The transport says so; a server never does: `realm`, `resource.url` and
 * descriptions decide nothing.
 */
export type Resource = HttpResource | ToolResource

/** Something bought by an HTTP request. */
export interface HttpResource {
  /** The origin that was dialled, or the name that the caller gave an MCP or JSON-RPC server. */
  readonly vendor: string
  /** What is bought there, without a query: `GET /v1/search`, `tool:search`, `eth_call`. */
  readonly operation: string
  /**
   * Where a credential goes: the URL without its fragment, or the vendor's name. A URL is kept non-enumerable, so that
   * loggers do not dump its query.
   */
  readonly address: string
  readonly transport: 'http'
  readonly method: string
  /** The URL's path, as WHATWG normalised it (still percent-encoded). */
  readonly path: string
}

/** A call of a tool or a method, on a server that the caller named. */
export interface ToolResource extends Pick<HttpResource, 'vendor' | 'operation' | 'address'> {
  readonly transport: 'mcp' | 'jsonrpc'
  readonly tool: string
}

/** One offer of a 402, read but not believed. */
export interface Challenge {
  readonly kind: OfferKind
  /** x402 has no id: there it is the hash of the chosen entry. */
  readonly id: string
  /** The server's name for its protection space. Bound into proofs and memos; decides nothing. */
  readonly realm: string
  /** The method's own parameters: amount, currency, recipient, methodDetails, … Values are still unchecked. */
  readonly request: JsonObject
  readonly expires?: Instant
  /** The digest of the request body that the server saw, as it spelled it. */
  readonly digest?: string
  /** The description: the server's words, cleaned. For people, never for decisions. */
  readonly words?: string
  /** What must go back untouched. Only the codec that read the challenge looks inside. */
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
 * Proof of an address in place of money, for who paid before (x402's `sign-in-with-x`). Its kind is `x402/sign-in`, and
 * its `request` holds the extension's `info` and `supportedChains`.
 */
export interface SignInChallenge extends Challenge {
  readonly echo: SignInEcho
}

/** Each envelope keeps what its server must get back byte for byte. */
export type Echo = MppEcho | X402Echo | SignInEcho

/** What a server that speaks the `Payment` scheme gets back with the credential. */
export interface MppEcho {
  readonly envelope: 'mpp'
  /** The auth-params as received (decoded quoted-strings): `id`, `realm`, `method`, `intent`, `request`, … */
  readonly params: Readonly<Record<string, string>>
  /** The request header the credential goes into. */
  readonly header: 'authorization' | 'payment-authorization'
}

/** What a server that speaks x402 gets back with the payload. */
export interface X402Echo {
  readonly envelope: 'x402'
  readonly version: 1 | 2
  /** The chosen entry of `accepts`, as it came. */
  readonly accepted: JsonObject
  readonly resource?: JsonObject
  readonly extensions?: JsonObject
}

/** What a server that takes a sign-in gets back with the signature. */
export interface SignInEcho {
  readonly envelope: 'sign-in'
  /** What the message says, as it came: domain, uri, nonce, issuedAt, … without explicit nulls. */
  readonly info: JsonObject
}

/** The proof of payment, before the exchange encodes it. A bearer secret. */
export interface Credential {
  readonly challenge: Challenge
  readonly payload: JsonObject
  /** What goes back in place of the x402 extensions that the server offered, where a wallet added to them. */
  readonly extensions?: JsonObject
  /** Who pays, as a DID: `did:pkh:eip155:4217:0x…`. */
  readonly source?: string
}

/** The server's word that it was paid. Checked, not believed. */
export interface Receipt {
  readonly success: boolean
  readonly method?: string
  readonly reference?: string
  readonly challengeId?: string
  readonly timestamp?: string
  readonly externalId?: string
  /** Where it says the money moved, as a CAIP-2 id; only x402 says so. */
  readonly network?: string
  /** Everything it said, whole. */
  readonly claims: JsonObject
}

/** An RFC 9457 problem. `title` and `detail` are the server's words, cleaned. */
export interface Problem {
  readonly type: string
  readonly title?: string
  readonly detail?: string
  readonly status?: number
  readonly challengeId?: string
}

/** What an answer says about money. */
export type ReplyInfo =
  /** The server asks for money. `at` is where a credential would go. */
  | {
      readonly kind: 'payment-required'
      readonly at: Resource
      /** What the server says the time is. */
      readonly date?: Instant
      readonly offers: readonly Challenge[]
      /** Why other offers in it cannot be read, or why none may be paid. */
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
      /** Seconds or date of a Retry-After, as a moment. */
      readonly retryAt?: Instant
    }
  /** The paid leg was sent elsewhere; nothing was followed. `to` is unknown in browsers. */
  | { readonly kind: 'redirect'; readonly to?: string; readonly receipt?: Receipt }
