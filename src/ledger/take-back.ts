import type { Instant } from '../money/index.js'
import { weightsOf } from './counters.js'
import { total } from './counts.js'
import type { Row } from './row.js'
import type { Shelf } from './shelf.js'

const PAGE = 100

/**
 * Takes the store's time back to a wall clock that a person says is right. What was written in the future counts as of
 * now, on every counter; what was to end at some time after the store's now ends as long after the wall clock's now.
 * Every payment is counted anew, so this takes as long as there are payments.
 */
export function takeBack(shelf: Shelf, high: Instant, to: Instant): void {
  const past = (at: Instant): Instant => Math.min(at, to)
  const end = (at: Instant): Instant => (at > high ? to + (at - high) : past(at))
  takeCountersBack(shelf, to)
  shelf.clearCounts()
  for (const row of rowsOf(shelf)) {
    const stamped = stamp(row, past, end)
    if (stamped !== row) shelf.restamp(stamped)
    for (const [key, weight] of weightsOf(shelf, stamped)) {
      const counted = total(weight)
      if (counted !== 0n) shelf.addTo(key, weight.at, counted)
    }
  }
  shelf.moveEnds(end)
}

/** A counter that was made in the future never saw what was paid before: from now on every payment in its scope counts. */
function takeCountersBack(shelf: Shelf, to: Instant): void {
  const filled = shelf.meta().filled + 1
  const wrong = [...shelf.counters()].filter(({ at }) => at > to)
  if (wrong.length > 0) shelf.setMeta({ filled })
  for (const counter of wrong) shelf.setCounter({ ...counter, from: 0, at: to, exact: true, filled })
}

function* rowsOf(shelf: Shelf): Iterable<Row> {
  let after: number | undefined
  for (;;) {
    const { rows, next } = shelf.find({ order: 'oldest' }, after, PAGE)
    for (const { row } of rows) yield row
    if (next === undefined) return
    after = next
  }
}

type Move = (at: Instant) => Instant

function stamp(row: Row, past: Move, end: Move): Row {
  const optional = (at: Instant | undefined, move: Move): Instant | undefined =>
    at === undefined ? undefined : move(at)
  const stamped: Row = {
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
