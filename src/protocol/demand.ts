import { clean, type Reason } from '../errors/index.js'
import type { Receipt } from './types.js'

/** The reason for a demand that Purser leaves to the caller, who pays by a credential of its own. */
export const CALLER_PAYS: Reason = Object.freeze({
  rule: 'caller_payment',
  message: 'The request carries a payment of its own, so Purser adds no second one.',
})

/** The reason for a demand that Purser does not pay, because the earlier payment may still settle. */
export const SETTLEMENT_PENDING: Reason = Object.freeze({
  rule: 'settlement_pending',
  message: 'The server says that the earlier payment is still being settled, so Purser signs no second one.',
})

/** Whether the earlier payment is still being settled. Then Purser does not sign again, for any offer. */
export function isSettlementPending(receipt: Receipt | undefined): boolean {
  return receipt?.method === 'x402' && receipt.claims['errorReason'] === 'settlement_pending'
}

/** Returns a function that makes a reason of the error of an offer that cannot be read. */
export function unreadableOffer(what: string): (error: { readonly message: string }) => Reason {
  return ({ message }) => ({ rule: 'offer', message: `${what} cannot be read: ${clean(message)}.` })
}
