import type { Instant } from '../money/index.js'
import type { Channel, ChannelQuery } from './channel.js'
import { feeUnread, type PaymentRow } from './payment-row.js'
import type { DueQuery, PaymentQuery, PaymentState } from './port.js'

/** Returns whether the query selects this row. */
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

/** Returns whether it ended without a payment. Then it blocks no request, not even one with the same key. */
export function isOver({ state }: PaymentRow): boolean {
  return state === 'released' || state === 'denied'
}

/** An instant that is later than every moment. */
export const NEVER: Instant = Number.MAX_SAFE_INTEGER

/**
 * Returns when a payment that was not delivered was reported to a caller. The payment blocks the same request until
 * `doubtWindowMs` after that time. Returns {@link NEVER} if it was not reported yet. Returns undefined if the payment
 * cannot block a request: it is held, it was delivered, it moved no money, or the same request may be paid for again.
 */
export function standingOf({ state, delivered, reportedAt, repeatable }: PaymentRow): Instant | undefined {
  const inTheWay = (state === 'committed' || state === 'settled') && !delivered && repeatable !== true
  return inTheWay ? (reportedAt ?? NEVER) : undefined
}

/** Returns whether it blocks the same request, if the block ends for reports before `since`. */
export function isStanding(row: PaymentRow, since: Instant): boolean {
  const standing = standingOf(row)
  return standing !== undefined && standing > since
}

/** Payments of one state and wallet. Recovery processes them in the order in which they are due. */
export interface DueGroup {
  readonly state: PaymentState
  /**
   * The wallet's id. It is {@link ANY_WALLET} if no wallet is needed, and {@link MANY_WALLETS} if more than one is
   * needed.
   */
  readonly wallet: string
}

/** The position where recovery finds a payment. */
export interface DueEntry extends DueGroup {
  /** The due time. {@link NEVER}: only recovery of everything (`all`) checks the payment. */
  readonly due: Instant
}

export const ANY_WALLET = ''
export const MANY_WALLETS = '*'

/** Returns the entry of a payment for recovery. Returns undefined if recovery never has to process it. */
export function dueEntryOf(row: PaymentRow): DueEntry | undefined {
  const { state, recheckAt } = row
  if (state === 'held') return { state, wallet: ANY_WALLET, due: 0 }
  if (state === 'committed') return { state, wallet: walletOf(row), due: recheckAt ?? 0 }
  return feeUnread(row) ? { state, wallet: walletOf(row), due: recheckAt ?? NEVER } : undefined
}

/** Returns the wallet of every credential that is not proven void. */
function walletOf({ attempts }: PaymentRow): string {
  const wallets = new Set(attempts.flatMap((a) => (a.void === undefined ? [a.evidence.wallet] : [])))
  const [wallet = ANY_WALLET, ...others] = wallets
  return others.length === 0 ? wallet : MANY_WALLETS
}

/**
 * Returns the groups of recovery in their order: holds, then doubts, then unread fees, because doubts contain the most
 * money.
 */
export function groupsOf({ wallets }: DueQuery): readonly DueGroup[] {
  const all = [...new Set([ANY_WALLET, ...wallets, MANY_WALLETS])]
  const states = ['committed', 'settled'] as const
  return [
    { state: 'held', wallet: ANY_WALLET },
    ...states.flatMap((state) => all.map((wallet) => ({ state, wallet }))),
  ]
}

/** Returns whether this process has every wallet that is needed to prove the outcome of the payment. */
export function isProvable({ attempts }: PaymentRow, { wallets }: DueQuery): boolean {
  return attempts.every((a) => a.void !== undefined || wallets.includes(a.evidence.wallet))
}

/** The position of a payment in its group: by due time, then by place. */
export interface DuePlace {
  readonly due: Instant
  readonly place: number
}

export type DueOrder = NonNullable<DueQuery['order']>

/** Returns whether the second payment comes after the first one in its group. */
export function isBeyond(after: DuePlace, row: DuePlace, order: DueOrder): boolean {
  const ahead = row.due === after.due ? row.place - after.place : row.due - after.due
  return order === 'oldest' ? ahead > 0 : ahead < 0
}

/** Returns whether the query selects this channel. */
export function isChannel(channel: Channel, query: ChannelQuery): boolean {
  const { slot, wallet, vendor, state } = query
  return (
    (slot === undefined || channel.slot === slot) &&
    (wallet === undefined || channel.wallet === wallet) &&
    (vendor === undefined || channel.vendor === vendor) &&
    (state === undefined || channel.state === state)
  )
}
