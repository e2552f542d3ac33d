import type { Json } from '../protocol/index.js'
import type { Fault } from './faults.js'
import type { PaidKind, PaidOffer } from './rails.js'

/** The content of a paid answer: JSON, or a function that makes a response for the request. */
export type PaidAnswer = Json | ((request: Request) => Response | Promise<Response>)

/** A route that costs money. */
export interface PaidRoute {
  /** The price of one call: a number and a currency, for example `0.01 USD`. */
  readonly price: string
  /** The offers of its 402. Default: those of {@link PaidApiOptions}. */
  readonly offers?: readonly (PaidKind | PaidOffer)[]
  /** The answer to a paid call. Default: `{ "paid": true }`. */
  readonly answer?: PaidAnswer
  /**
   * The answer is a stream of server-sent events with these data. A session pays the price for each event, and every other
   * way pays it once for the stream.
   */
  readonly events?: readonly string[]
  /** Something that goes wrong on this route. */
  readonly fault?: Fault
}

/** Changes of a route. `fault: undefined` ends the fault. */
export type RouteChange = { readonly [Name in keyof PaidRoute]?: PaidRoute[Name] | undefined }

/** Options of {@link paidApi}. */
export interface PaidApiOptions {
  /** The offers of every 402. Default: `tempo/charge` and `x402/exact` of version 2. */
  readonly offers?: readonly (PaidKind | PaidOffer)[]
  /**
   * The answer to a credential that was taken before. `refused`: a 402, as most servers do. `answered`: the paid answer
   * once more, as servers do that honour `Idempotency-Key`. No money is taken a second time.
   *
   * @default 'refused'
   */
  readonly repeats?: 'refused' | 'answered'
}

/** A payment that the test server took. */
export interface TakenPayment {
  /** The route as it was written: `GET https://api.example/search`. */
  readonly route: string
  readonly kind: PaidKind
  /** For example `0.01 USD`. */
  readonly price: string
  readonly payee: string
  /** The reference on the receipt. Undefined if another wallet than {@link testWallet} paid. */
  readonly reference: string | undefined
  /** The `Idempotency-Key` of the request. */
  readonly idempotencyKey: string | undefined
}

/** A credential that the test server did not take. */
export interface RefusedCredential {
  readonly route: string
  readonly reason: string
}
