import { clean, type Reason } from '../errors/index.js'
import type { Instant } from '../money/index.js'
import type { Terms } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { Charge, PaymentRow } from './payment-row.js'
import type { LedgerTables } from './tables.js'

const DAY_MS = 86_400_000
/** Refusals of one request by the same rules are merged into one record for this long. */
const FOLD_MS = DAY_MS
/** The ledger deletes the record of a refusal after this time. */
const KEPT_MS = 30 * DAY_MS
/** The ledger also deletes the record of a refusal after this many later payments and refusals. */
const MOST_LATER = 100_000
/** The number of refusals of one request that are compared with a new one. */
const MOST_COMPARED = 32
/** The number of old records that one refusal deletes. It is more than one refusal adds, so their number falls. */
const MOST_DROPPED = 4

/**
 * The maximum number of recorded reasons and payees of a refusal. There is a maximum because the server controls their
 * number.
 */
const MOST_REASONS = 8
const MOST_PAYEES = 10
const MOST_TEXT = 500

/**
 * Records a refusal without a held payment. Refusals of the same request by the same rules, for one agent and task, are
 * one record within a day. The record has the newest terms and reasons, and `times` is the number of refusals. Refusals
 * older than 30 days are deleted.
 */
export function saveRefusal(tables: LedgerTables, refusal: PaymentRow, now: Instant): PaymentRow {
  const earlier = tables
    .refusals(refusal.context.agent, refusal.fingerprint, now - FOLD_MS, MOST_COMPARED)
    .find((row) => isAlike(row, refusal))
  const row = boundedRefusal(earlier === undefined ? refusal : foldedInto(earlier, refusal))
  tables.save(row)
  tables.dropRefusals({ before: now - KEPT_MS, upTo: tables.last() - MOST_LATER, limit: MOST_DROPPED })
  return row
}

function isAlike(a: PaymentRow, b: PaymentRow): boolean {
  return (
    a.effect === b.effect &&
    JSON.stringify(a.context) === JSON.stringify(b.context) &&
    a.terms.kind === b.terms.kind &&
    a.terms.network === b.terms.network &&
    unitIn(a) === unitIn(b) &&
    rulesOf(a) === rulesOf(b)
  )
}

function unitIn({ charges }: PaymentRow): string | undefined {
  return charges.at(-1)?.dimensions.unit
}

/** Returns the rules of a refusal as they are recorded, for comparison. Reasons beyond the maximum are not recorded. */
function rulesOf({ reasons }: PaymentRow): string {
  return JSON.stringify(reasons.slice(0, MOST_REASONS).map(({ rule }) => rule))
}

/** Merges a refusal into an earlier record. The record keeps its place in the order of payments. */
function foldedInto({ id, createdAt, filled, times = 1 }: PaymentRow, refusal: PaymentRow): PaymentRow {
  return { ...refusal, id, createdAt, filled, times: times + 1 }
}

/** Limits the size of a refusal. A refusal counts on no counter, so only its request and its reasons must be exact. */
export function boundedRefusal(row: PaymentRow): PaymentRow {
  return {
    ...row,
    terms: boundedTerms(row.terms),
    reasons: row.reasons.slice(0, MOST_REASONS).map(boundedReason),
    reason: row.reason === undefined ? undefined : clean(row.reason, MOST_TEXT),
    charges: row.charges.map(uncounted),
  }
}

function boundedTerms(terms: Terms): Terms {
  return terms.payees.length <= MOST_PAYEES ? terms : { ...terms, payees: terms.payees.slice(0, MOST_PAYEES) }
}

const TEXTS = ['rule', 'limit', 'asked', 'remaining', 'payment', 'reference', 'message'] as const

function boundedReason(reason: Reason): Reason {
  const bounded: { -readonly [Name in keyof Reason]: Reason[Name] } = own(reason)
  for (const name of TEXTS) {
    const text = bounded[name]
    if (text !== undefined) bounded[name] = clean(text, MOST_TEXT)
  }
  return bounded
}

/** Removes the dimensions of a charge, because the terms already name the payees. */
function uncounted({ dimensions, ...charge }: Charge): Charge {
  return { ...charge, dimensions: own({ ...dimensions, payees: own({}) }), counted: [] }
}
