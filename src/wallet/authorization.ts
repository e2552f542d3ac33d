import type { LaneGrant, PaymentId } from '../ledger/index.js'
import type { Instant } from '../money/index.js'
import type { Bounds } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { Quote } from './quote.js'

/** The content of an authorization: the frozen quote, and the budget that the ledger set aside for it. */
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
 * Proof that a decision allowed a quote and that a hold covers it. A wallet signs only with it. Only the payment flow
 * mints authorizations; each is valid once and until it expires.
 */
export interface Authorization {
  readonly payment: PaymentId
  readonly [brand]: true
}

/**
 * Runtime proof that an authorization came from {@link mintAuthorization}, with its content and whether it was spent.
 */
const minted = new WeakMap<Authorization, { readonly spendable: Spendable; spent: boolean }>()

/** Mints an authorization. Only `pay/` may import this function; no entry point exports it. */
export function mintAuthorization(spendable: Spendable): Authorization {
  // The brand exists for the compiler only; at run time the WeakMap is checked.
  const authorization = Object.freeze({ payment: spendable.payment }) as Authorization
  minted.set(authorization, { spendable: Object.freeze(own(spendable)), spent: false })
  return authorization
}

/**
 * Spends an authorization and returns its quote. This is the first line of every wallet's `prepare`.
 *
 * @param now - The current time of the clock that was handed to the wallet.
 * @returns The quote to sign for, and its hold.
 * @throws TypeError if the authorization was not minted by this module, was spent before, or has expired.
 * @see docs/custom-wallet.md
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
