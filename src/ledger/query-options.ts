import { type Names, ownOptions } from '../errors/index.js'
import type { ApprovalQuery } from './approval.js'
import type { ChannelQuery } from './channel.js'
import type { PaymentQuery, PinQuery } from './port.js'

// A filter with a mistyped name would filter nothing, so an unknown name is a TypeError.

const PAYMENT_QUERY: Names<PaymentQuery> = {
  id: true,
  key: true,
  agent: true,
  task: true,
  vendor: true,
  states: true,
  from: true,
  to: true,
  limit: true,
  order: true,
}
const PIN_QUERY: Names<PinQuery> = { vendor: true, rail: true, payee: true }
const CHANNEL_QUERY: Names<ChannelQuery> = { slot: true, wallet: true, vendor: true, state: true }

const APPROVAL_QUERY: Names<ApprovalQuery> = { states: true, agent: true, vendor: true, limit: true }

/** Copies a query of questions, without inherited properties. */
export function approvalQuery(query: ApprovalQuery): ApprovalQuery {
  return ownOptions(query, APPROVAL_QUERY, 'A query of approvals')
}

/** Copies a query of payments, without inherited properties. */
export function paymentQuery(query: PaymentQuery): PaymentQuery {
  return ownOptions(query, PAYMENT_QUERY, 'A query of payments')
}

/** Checks the names in a query of pinned payees. */
export function pinQuery<Q extends PinQuery>(query: Q): Q {
  ownOptions<PinQuery>(query, PIN_QUERY, 'A query of pins')
  return query
}

/** Copies a query of channels, without inherited properties. */
export function channelQuery(query: ChannelQuery): ChannelQuery {
  return ownOptions(query, CHANNEL_QUERY, 'A query of channels')
}
