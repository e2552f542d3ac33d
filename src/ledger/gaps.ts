import { PaymentError } from '../errors/index.js'
import type { Instant, Units } from '../money/index.js'
import type { CounterClaim } from '../policy/index.js'

/**
 * How a ledger came to forget payments.
 *
 * - `log_lost`: SQLite's log (`ledger.db-wal`) was missing after a process had ended without closing the ledger.
 * - `older_copy`: the file is older than the record beside it.
 * - `backup`: the file was made by `backupLedger` or restored by `restoreLedger`.
 */
export type GapCause = 'log_lost' | 'older_copy' | 'backup'

/** A time whose payments the ledger may have forgotten. Nothing is paid until a person has confirmed every gap. */
export interface Gap {
  /** Payments after this moment may be missing. Epoch milliseconds. */
  readonly since: Instant
  readonly cause: GapCause
  /** Absent until a person has said what was spent meanwhile. */
  readonly confirmed?: ConfirmedGap
}

/** What a person said about a gap, and when. The gap ends at that moment. */
export interface ConfirmedGap extends GapStatement {
  readonly at: Instant
}

/** What a person says about the payments that a ledger forgot. What is absent is unknown. */
export interface GapStatement {
  /** Who says so. */
  readonly by: string
  /** What was spent, fees included, in units of {@link GapStatement.unit}. */
  readonly spent?: Units
  /** What was locked up in deposits of sessions that the ledger does not know. */
  readonly deposits?: Units
  /** How many payments there were. */
  readonly payments?: number
  /** The policy's unit. */
  readonly unit: string
}

/** What a ledger knows of its own gaps. */
export interface Gaps {
  /**
   * Times whose payments this ledger may have forgotten, the oldest first. While one of them is not confirmed, `hold` and
   * a commit reject with `ledger_incomplete`.
   */
  gaps(): Promise<readonly Gap[]>
  /**
   * Writes down what a person says about the gaps that are not confirmed, or not fully known. It counts on every counter
   * whose window reaches back into the gap. Remembered approvals are dropped: one may have been revoked meanwhile.
   *
   * @returns All gaps; undefined if there was none to confirm.
   */
  confirmGaps(statement: GapStatement): Promise<readonly Gap[] | undefined>
}

/** @throws PaymentError `ledger_incomplete` while a gap is not confirmed. */
export function checkGaps(gaps: readonly Gap[]): void {
  const gap = gaps.find(({ confirmed }) => confirmed === undefined)
  if (gap !== undefined) throw incomplete(gap)
}

const CAUSES: Readonly<Record<GapCause, string>> = {
  log_lost: 'its log (the file that ends in -wal) was missing',
  older_copy: 'an older copy of its file has taken the place of the file',
  backup: 'it was restored from a backup',
}

/** The error that stops payments on a ledger with that gap. */
export function incomplete({ since, cause }: Gap): PaymentError {
  const when = new Date(since).toISOString()
  return new PaymentError(
    'ledger_incomplete',
    'untouched',
    `The ledger may have forgotten payments made after ${when}: ${CAUSES[cause]}. Nothing is paid until confirmRestore() says what was spent since.`,
  )
}

/**
 * What the gaps count for on a counter: what a person said, for every window that reaches back into the gap; and the
 * whole limit if they could not say it, or said it in another unit.
 */
export function gapOn(gaps: readonly Gap[], claim: CounterClaim): bigint {
  let sum = 0n
  for (const { confirmed } of gaps) {
    if (confirmed === undefined || confirmed.at < claim.from) continue
    sum += saidOf(confirmed, claim) ?? claim.limit
  }
  return sum
}

function saidOf(said: ConfirmedGap, { counts, scope }: CounterClaim): bigint | undefined {
  if (counts === 'payments') return said.payments === undefined ? undefined : BigInt(said.payments)
  if (scope.unit !== said.unit) return undefined
  return counts === 'lock' ? said.deposits : said.spent
}

/**
 * The gaps after a person spoke: the statement goes for those that nobody confirmed, and for those of which something
 * was left unknown.
 *
 * @returns undefined if there are none of these.
 */
export function confirmGaps(
  gaps: readonly Gap[],
  statement: GapStatement,
  now: Instant,
): readonly Gap[] | undefined {
  if (gaps.every(isKnown)) return undefined
  return gaps.map((gap) =>
    isKnown(gap) ? gap : { ...gap, confirmed: { ...statement, at: gap.confirmed?.at ?? now } },
  )
}

function isKnown({ confirmed }: Gap): boolean {
  return (
    confirmed?.spent !== undefined && confirmed.deposits !== undefined && confirmed.payments !== undefined
  )
}
