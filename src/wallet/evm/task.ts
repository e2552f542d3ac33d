import type { PrepareOptions, Spendable } from '../index.js'
import type { Offer } from './offer.js'
import type { EvmContext } from './plan.js'

/** The data to sign, and its expiry in seconds. */
export interface Task {
  readonly spendable: Spendable
  readonly options: PrepareOptions
  readonly parts: EvmContext
  readonly offer: Offer
  readonly until: number
}
