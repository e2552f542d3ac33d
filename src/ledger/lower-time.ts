import type { Instant } from '../money/index.js'
import { moveApprovalEnds } from './approval-steps.js'
import { countAnew } from './counters.js'
import type { PaymentRow } from './payment-row.js'
import type { LedgerTables } from './tables.js'

const PAGE = 100

/**
 * Lowers the store's time to a wall clock that a person has confirmed. Payments with a later time count as of now on
 * every counter. An end time after the store's now is moved, so that it has the same distance to the wall clock's now.
 * Every payment is counted again, so the duration grows with the number of payments.
 */
export function lowerTime(tables: LedgerTables, high: Instant, to: Instant): void {
  const past = (at: Instant): Instant => Math.min(at, to)
  const end = (at: Instant): Instant => (at > high ? to + (at - high) : past(at))
  // A shape that was added at a future time never counted the earlier payments.
  for (const { fill } of tables.shapes())
    if (fill !== undefined && fill.at > to) tables.setFill({ ...fill, from: 0, at: to, exact: true })
  tables.clearCounts()
  for (const row of rowsOf(tables)) {
    const stamped = stamp(row, past, end)
    if (stamped !== row) tables.restamp(stamped)
    countAnew(tables, stamped)
  }
  tables.moveEnds(end)
  moveApprovalEnds(tables, end)
  takeForgottenBack(tables, past)
}

/**
 * Moves a person's statements about lost payments. They count for windows that reach back to the time of the statement.
 */
function takeForgottenBack(tables: LedgerTables, past: Move): void {
  const { gaps } = tables.meta()
  if (gaps.length === 0) return
  tables.setMeta({
    gaps: gaps.map(({ confirmed, ...gap }) => ({
      ...gap,
      since: past(gap.since),
      ...(confirmed === undefined ? {} : { confirmed: { ...confirmed, at: past(confirmed.at) } }),
    })),
  })
}

function* rowsOf(tables: LedgerTables): Iterable<PaymentRow> {
  let after: number | undefined
  for (;;) {
    const { rows, next } = tables.find({ order: 'oldest' }, after, PAGE)
    for (const { row } of rows) yield row
    if (next === undefined) return
    after = next
  }
}

type Move = (at: Instant) => Instant

function stamp(row: PaymentRow, past: Move, end: Move): PaymentRow {
  const optional = (at: Instant | undefined, move: Move): Instant | undefined =>
    at === undefined ? undefined : move(at)
  const stamped: PaymentRow = {
    ...row,
    createdAt: past(row.createdAt),
    updatedAt: past(row.updatedAt),
    reportedAt: optional(row.reportedAt, past),
    recheckAt: optional(row.recheckAt, end),
    attempts: row.attempts.map((attempt) => ({ ...attempt, at: past(attempt.at) })),
    charges: row.charges.map((charge) => ({
      ...charge,
      at: past(charge.at),
      counted: charge.counted.map((counted) => ({ ...counted, at: past(counted.at) })),
    })),
  }
  const same =
    stamped.updatedAt === row.updatedAt &&
    stamped.recheckAt === row.recheckAt &&
    stamped.charges.every(({ at, counted }, index) => {
      const before = row.charges[index]
      return at === before?.at && counted.every((each, n) => each.at === before.counted[n]?.at)
    })
  return same ? row : stamped
}
