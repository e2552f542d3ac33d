import type { Currency } from '../money/index.js'
import type { Quote } from '../wallet/index.js'
import type { Session } from './challenge.js'
import type { Open, Opening, SessionChannel } from './machine.js'
import type { SentOpening } from './options.js'

/** The actions of an allowed quote, in the wallet's own terms. */
export type Plan =
  /** A voucher on an existing channel. */
  | { readonly does: 'voucher'; readonly channel: SessionChannel; readonly price: bigint }
  /** A voucher on a channel that the ledger did not know. */
  | { readonly does: 'resume'; readonly channel: Open; readonly price: bigint }
  | {
      readonly does: 'open'
      readonly slot: string
      readonly lane: string
      readonly session: Session
      readonly currency: Currency
      readonly price: bigint
      readonly deposit: bigint
    }
  /** Exactly the same opening again, on another challenge. */
  | { readonly does: 'reopen'; readonly channel: Opening; readonly sent: SentOpening; readonly price: bigint }
  /** A top-up first, and then a voucher. */
  | {
      readonly does: 'topUp'
      readonly channel: Open
      readonly session: Session
      readonly price: bigint
      readonly add: bigint
    }
  /** The owner's operations. */
  | {
      readonly does: 'fund'
      readonly channel: SessionChannel
      readonly session: Session
      readonly add: bigint
    }
  | {
      readonly does: 'close'
      readonly channel: SessionChannel
      readonly highest: bigint
      readonly delivered: bigint
    }
  | { readonly does: 'requestClose' | 'withdraw'; readonly channel: SessionChannel }

export type PlanOf<Does extends Plan['does']> = Extract<Plan, { does: Does }>

/** The plans of this wallet's quotes. A quote is signed only if it is the same frozen object. */
const plans = new WeakMap<Quote, Plan>()

export function planned(quote: Quote, plan: Plan): Quote {
  plans.set(quote, plan)
  return quote
}

export function planOf(quote: Quote): Plan | undefined {
  return plans.get(quote)
}
