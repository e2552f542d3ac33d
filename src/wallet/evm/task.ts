import type { PrepareOptions, Spendable } from '../index.js'
import type { Offer } from './offer.js'
import type { EvmContext } from './plan.js'

/** What is about to be signed, and until when it may live, in seconds. */
export interface Task {
  readonly spendable: Spendable
  readonly options: PrepareOptions
  readonly parts: EvmContext
  readonly offer: Offer
  readonly until: number
}
