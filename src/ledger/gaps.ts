import { PaymentError } from '../errors/index.js'
import type { Instant, Units } from '../money/index.js'
import type { CounterClaim } from '../policy/index.js'

/**
 * The cause of missing payments in a ledger.
 *
 * - `log_lost`: SQLite's log (`ledger.db-wal`) was missing after a process had ended without closing the ledger.
 * - `older_copy`: the file is older than the record next to it.
 * - `backup`: the file was made by `backupLedger` or restored by `restoreLedger`.
 */
export type GapCause = 'log_lost' | 'older_copy' | 'backup'

/** A period whose payments the ledger may have lost. Nothing is paid until a person has confirmed every gap. */
export interface Gap {
  /** Payments after this moment may be missing. Epoch milliseconds. */
  readonly since: Instant
  readonly cause: GapCause
  /** Absent until a person has stated the spending in the gap. */
  readonly confirmed?: ConfirmedGap
}

/** A person's statement about a gap, and its time. The gap ends at that time. */
export interface ConfirmedGap extends GapStatement {
  readonly at: Instant
}

/** A person's statement about the payments that a ledger lost. Absent values are unknown. */
export interface GapStatement {
  /** The person who makes the statement. */
  readonly by: string
  /** The amount that was spent, including fees, in units of {@link GapStatement.unit}. */
  readonly spent?: Units
  /** The amount that was locked up in deposits of sessions that the ledger does not know. */
  readonly deposits?: Units
  /** The number of payments. */
  readonly payments?: number
  /** The policy's unit. */
  readonly unit: string
}

/** The gaps that a ledger knows about. */
export interface Gaps {
  /**
   * Returns the periods whose payments this ledger may have lost, the oldest first. While one of them is not confirmed,
   * `hold` and a commit reject with `ledger_incomplete`.
   */
  gaps(): Promise<readonly Gap[]>
  /**
   * Stores a person's statement about the gaps that are not confirmed or not fully known. It counts on every counter
   * whose window reaches back into the gap. The ledger drops remembered approvals, because one may have been revoked
   * during the gap.
   *
   * @returns All gaps, or undefined if there was none to confirm.
   */
  confirmGaps(statement: GapStatement): Promise<readonly Gap[] | undefined>
}

/**
 * Checks that all gaps are confirmed.
 *
 * @throws PaymentError `ledger_incomplete` if a gap is not confirmed.
 */
export function checkGaps(gaps: readonly Gap[]): void {
  const gap = gaps.find(({ confirmed }) => confirmed === undefined)
  if (gap !== undefined) throw incomplete(gap)
}

const CAUSES: Readonly<Record<GapCause, string>> = {
  log_lost: 'its log (the file that ends in -wal) was missing',
  older_copy: 'an older copy of its file has taken the place of the file',
  backup: 'it was restored from a backup',
}

/** Returns the error that stops payments on a ledger with that gap. */
export function incomplete({ since, cause }: Gap): PaymentError {
  const when = new Date(since).toISOString()
  return new PaymentError(
    'ledger_incomplete',
    'untouched',
    `The ledger may have forgotten payments made after ${when}: ${CAUSES[cause]}. Nothing is paid until confirmRestore() says what was spent since.`,
  )
}

/**
 * Returns the amount that the gaps count for on a counter. For every window that reaches back into the gap, this is the
 * amount that the person stated. If the amount is unknown or in another unit, the gap counts as the whole limit.
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
 * Returns the gaps after a person's statement. The statement applies to gaps that are not confirmed, and to gaps with
 * an unknown value.
 *
 * @returns undefined if there are no such gaps.
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
