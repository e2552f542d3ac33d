import type { Currency } from '../money/index.js'
import type { Quote } from '../wallet/index.js'
import type { Session } from './challenge.js'
import type { Open, Opening, SessionChannel } from './machine.js'
import type { SentOpening } from './options.js'

/** What a quote comes to, once it is allowed: in the wallet's own terms. */
export type Plan =
  /** A voucher on a channel that stands. */
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
  /** The very same opening once more, on another challenge. */
  | { readonly does: 'reopen'; readonly channel: Opening; readonly sent: SentOpening; readonly price: bigint }
  /** More into the deposit first, and then a voucher. */
  | {
      readonly does: 'topUp'
      readonly channel: Open
      readonly session: Session
      readonly price: bigint
      readonly add: bigint
    }
  /** The owner's own acts. */
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

/** A quote is signed for only if it is one of ours: frozen by then, and the very same object. */
const plans = new WeakMap<Quote, Plan>()

export function planned(quote: Quote, plan: Plan): Quote {
  plans.set(quote, plan)
  return quote
}

export function planOf(quote: Quote): Plan | undefined {
  return plans.get(quote)
}
