import type { Instant } from '../money/index.js'
import type { Channel, ChannelQuery } from './channel.js'
import type { DueQuery, PaymentQuery } from './port.js'
import { feeUnread, type Row } from './row.js'

/** Is this row what the query asks for? */
export function matches(row: Row, query: PaymentQuery): boolean {
  const { id, key, agent, task, vendor, states, from, to } = query
  return (
    (id === undefined || row.id === id) &&
    (key === undefined || row.key === key) &&
    (agent === undefined || row.context.agent === agent) &&
    (task === undefined || row.context.tasks.includes(task)) &&
    (vendor === undefined || row.resource.vendor === vendor) &&
    (states === undefined || states.includes(row.state)) &&
    (from === undefined || row.createdAt >= from) &&
    (to === undefined || row.createdAt < to)
  )
}

/** Is something about it still to come? Stores keep these apart, so that nobody searches among all the others. */
export function isOpen(row: Row): boolean {
  return row.state === 'held' || isTwin(row) || feeUnread(row)
}

/** May it stand in the way of the same request? */
export function isTwin(row: Row): boolean {
  return row.state === 'committed' || (row.state === 'settled' && !row.delivered)
}

/** Is it recovery's turn? */
export function isDue(row: Row, live: boolean, { wallets, which }: DueQuery, now: Instant): boolean {
  if (live || row.state === 'released' || row.state === 'denied') return false
  if (row.state === 'held') return true
  const ours = row.attempts.every((a) => a.void !== undefined || wallets.includes(a.evidence.wallet))
  if (!ours) return false
  if (which === 'all') return row.state === 'committed' || feeUnread(row)
  if (row.state === 'committed') return row.recheckAt === undefined || row.recheckAt <= now
  return feeUnread(row) && row.recheckAt !== undefined && row.recheckAt <= now
}

/** Is this channel what the query asks for? */
export function isChannel(channel: Channel, query: ChannelQuery): boolean {
  const { slot, wallet, vendor, state } = query
  return (
    (slot === undefined || channel.slot === slot) &&
    (wallet === undefined || channel.wallet === wallet) &&
    (vendor === undefined || channel.vendor === vendor) &&
    (state === undefined || channel.state === state)
  )
}
