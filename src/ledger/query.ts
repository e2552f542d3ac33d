import type { Instant } from '../money/index.js'
import type { Channel, ChannelQuery } from './channel.js'
import { feeUnread, type PaymentRow } from './payment-row.js'
import type { DueQuery, PaymentQuery, PaymentState } from './port.js'

/** Is this row what the query asks for? */
export function matches(row: PaymentRow, query: PaymentQuery): boolean {
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

/** Did it end without a payment? Then it stands in nobody's way: not even under the same key. */
export function isOver({ state }: PaymentRow): boolean {
  return state === 'released' || state === 'denied'
}

/** Later than every moment. */
export const NEVER: Instant = Number.MAX_SAFE_INTEGER

/**
 * A payment that was not delivered stands in the way of the same request until `doubtWindowMs` after a caller was told of
 * it. This is when a caller was told; {@link NEVER} while nobody was. Undefined if it cannot stand in the way: it is held,
 * it was delivered, it moved no money, or its caller was told that the same request may be paid for again.
 */
export function standingOf({ state, delivered, reportedAt, repeatable }: PaymentRow): Instant | undefined {
  const inTheWay = (state === 'committed' || state === 'settled') && !delivered && repeatable !== true
  return inTheWay ? (reportedAt ?? NEVER) : undefined
}

/** Does it stand in the way of the same request, for somebody who waits until `since` after a report? */
export function isStanding(row: PaymentRow, since: Instant): boolean {
  const standing = standingOf(row)
  return standing !== undefined && standing > since
}

/** Payments of one state and wallet: recovery goes through them in the order in which they are due. */
export interface DueGroup {
  readonly state: PaymentState
  /** The wallet's id; {@link ANY_WALLET} if no wallet is needed, {@link MANY_WALLETS} if more than one is. */
  readonly wallet: string
}

/** Where recovery finds a payment. */
export interface DueEntry extends DueGroup {
  /** {@link NEVER}: only recovery of everything (`all`) looks at it. */
  readonly due: Instant
}

export const ANY_WALLET = ''
export const MANY_WALLETS = '*'

/** Recovery's way to a payment. Undefined if recovery has nothing to do about it, ever. */
export function dueEntryOf(row: PaymentRow): DueEntry | undefined {
  const { state, recheckAt } = row
  if (state === 'held') return { state, wallet: ANY_WALLET, due: 0 }
  if (state === 'committed') return { state, wallet: walletOf(row), due: recheckAt ?? 0 }
  return feeUnread(row) ? { state, wallet: walletOf(row), due: recheckAt ?? NEVER } : undefined
}

/** The wallet of every credential that is not proven void. */
function walletOf({ attempts }: PaymentRow): string {
  const wallets = new Set(attempts.flatMap((a) => (a.void === undefined ? [a.evidence.wallet] : [])))
  const [wallet = ANY_WALLET, ...others] = wallets
  return others.length === 0 ? wallet : MANY_WALLETS
}

/** What recovery goes through, in this order: holds, then doubts, then unread fees, since most money stands in doubts. */
export function groupsOf({ wallets }: DueQuery): readonly DueGroup[] {
  const all = [...new Set([ANY_WALLET, ...wallets, MANY_WALLETS])]
  const states = ['committed', 'settled'] as const
  return [
    { state: 'held', wallet: ANY_WALLET },
    ...states.flatMap((state) => all.map((wallet) => ({ state, wallet }))),
  ]
}

/** Does this process have every wallet that it takes to prove what became of the payment? */
export function isProvable({ attempts }: PaymentRow, { wallets }: DueQuery): boolean {
  return attempts.every((a) => a.void !== undefined || wallets.includes(a.evidence.wallet))
}

/** Where a payment is in its group: by when it is due, and payments that are due at the same time by their place. */
export interface DuePlace {
  readonly due: Instant
  readonly place: number
}

export type DueOrder = NonNullable<DueQuery['order']>

/** Is the second payment after the first one in its group? */
export function isBeyond(after: DuePlace, row: DuePlace, order: DueOrder): boolean {
  const ahead = row.due === after.due ? row.place - after.place : row.due - after.due
  return order === 'oldest' ? ahead > 0 : ahead < 0
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
