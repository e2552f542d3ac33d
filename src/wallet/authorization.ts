import { own } from '../errors/index.js'
import type { LaneGrant, PaymentId } from '../ledger/index.js'
import type { Instant } from '../money/index.js'
import type { Bounds } from '../policy/index.js'
import type { Quote } from './quote.js'

/** What a wallet gets for an authorization: the frozen quote, and what the ledger set aside for it. */
export interface Spendable {
  readonly payment: PaymentId
  readonly quote: Quote
  readonly bounds: Bounds
  readonly lane?: LaneGrant
  /** The ledger's id, for naming lanes. */
  readonly ledger: string
  readonly expires: Instant
}

declare const brand: unique symbol

/**
 * Proof that a decision allowed a quote and that a hold covers it: the only thing a wallet signs for. Minted by the
 * payment story alone, good once, and only until it expires.
 */
export interface Authorization {
  readonly payment: PaymentId
  readonly [brand]: true
}

/** Proof at run time that an authorization came from {@link mintAuthorization}, and what it is good for, if it still is. */
const minted = new WeakMap<Authorization, { readonly spendable: Spendable; spent: boolean }>()

/** Only `pay/` may import this; it is in no entry point. */
export function mintAuthorization(spendable: Spendable): Authorization {
  // The brand exists for the compiler only; the WeakMap is what is checked.
  const authorization = Object.freeze({ payment: spendable.payment }) as Authorization
  minted.set(authorization, { spendable: Object.freeze(own(spendable)), spent: false })
  return authorization
}

/**
 * A wallet's first line: hands out the quote, once.
 *
 * @throws TypeError if the authorization was not minted here, was spent before, or has expired.
 * @example
 * ```ts
 * async function prepare(authorization: Authorization, { now }: PrepareOptions): Promise<Prepared> {
 *   const { quote } = spendAuthorization(authorization, now)
 *   throw new PaymentError('wallet_failed', 'untouched', `Nothing signs for ${quote.terms.network} yet`)
 * }
 * ```
 */
export function spendAuthorization(authorization: Authorization, now: Instant): Spendable {
  const state = minted.get(authorization)
  if (state === undefined) throw new TypeError('This authorization was not issued by a payment')
  const { spendable } = state
  if (state.spent) throw new TypeError('This authorization was already used')
  if (now > spendable.expires) throw new TypeError('This authorization has expired')
  state.spent = true
  return spendable
}
