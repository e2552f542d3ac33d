import { PaymentError } from '../errors/index.js'
import { count, type Instant } from '../money/index.js'
import type { CounterClaim } from '../policy/index.js'
import { claimApproval, mayUseApproval } from './approval-steps.js'
import { beginCounting, remember, saveCounted, shortOf, unclaimed } from './counters.js'
import { countedBy } from './counts.js'
import { grantStands, versionOf } from './facts.js'
import { grantLane, letGo } from './lanes.js'
import type { Charge, PaymentRow } from './payment-row.js'
import { applyMove } from './payment-state.js'
import { isLive, viewOf } from './payment-view.js'
import type { Hold, HoldResult, LaneGrant, Payment } from './port.js'
import { blocksRepeat, hasOtherPurchase } from './purchases.js'
import { boundedRefusal, saveRefusal } from './refusals.js'
import type { LedgerTables } from './tables.js'

/** A decision older than this is judged again, so that its windows are current. */
const STALE_MS = 5000
/** The largest claim that every store can count exactly: more than a billion of the unit. */
export const MOST_UNITS = 2n ** 60n

/**
 * Checks that the decision of a hold allows it.
 *
 * @throws TypeError if the decision does not allow a hold; PaymentError if the claim is too large to count.
 */
export function checkHold({ decision }: Hold): void {
  if (decision.effect === 'deny') throw new TypeError('A denied decision cannot be held')
  if (decision.units === undefined || decision.price === undefined)
    throw new TypeError('A decision without units cannot be held')
  if (decision.claims.some(({ amount }) => amount > MOST_UNITS) || decision.units > MOST_UNITS)
    throw new PaymentError('ledger_failed', 'untouched', 'The payment is larger than a ledger can count')
}

/** The maximum number of holds of dead processes that one step releases. */
const MOST_SWEPT = 50

/** The result of one step of a hold. */
export interface HoldStepResult {
  /**
   * `again`: the whole work would take too long in one step, so the step did a part of it. Run {@link fillSome}, then
   * hold again in another step.
   */
  readonly held: HoldResult | 'again'
  /** The holds of dead processes that this step released. */
  readonly ended: readonly Payment[]
}

/** Runs the atomic step: freeze, facts, machine, key and twin, room, lane. It does all of it or nothing. */
export function holdIn(tables: LedgerTables, hold: Hold, now: Instant): HoldStepResult {
  const step: HoldStep = { tables, now, ended: [] }
  return { held: tryHold(step, hold), ended: step.ended }
}

/** The values that one step works with. */
interface HoldStep {
  readonly tables: LedgerTables
  readonly now: Instant
  /** The holds of dead processes that this step released. */
  readonly ended: Payment[]
}

function tryHold(step: HoldStep, hold: Hold): HoldResult | 'again' {
  const { tables, now } = step
  const { frozen } = tables.meta()
  if (frozen !== undefined) return { ok: false, why: 'frozen', reason: frozen }
  if (isStale(tables, hold, now)) return { ok: false, why: 'stale' }
  const before = tables.payment(hold.id)
  if (before !== undefined) checkSame(before, hold)
  if (before !== undefined && !mayHoldAgain(tables, before, hold, now))
    return { ok: false, why: 'taken', by: viewOf(tables, before, now) }
  const rival = rivalOf(step, hold)
  if (rival !== undefined) return rival
  if (hold.decision.repeat !== undefined && !tables.beginListing()) return 'again'
  if (hasOtherPurchase(tables, hold, now)) return { ok: false, why: 'stale' }
  if (!beginCounting(tables, hold.decision.claims)) return 'again'
  const row = rowOf(tables, hold, before, now, chargeOf(tables, hold))
  const short = shortfallAfterSweep(step, before, row, hold.decision.claims)
  if (short === 'again') return 'again'
  if (short.length > 0) return { ok: false, why: 'short', short }
  // Nothing was written yet: the lane is taken next, and the approval is claimed with it.
  if (hold.approval !== undefined && !mayUseApproval(tables, hold.approval, hold, now))
    return { ok: false, why: 'unapproved' }
  const lane = laneFor(step, row, hold)
  if (lane === 'again') return 'again'
  if (lane === 'busy') return { ok: false, why: 'lane' }
  if (lane === 'moved') return { ok: false, why: 'stale' }
  if (hold.approval !== undefined) claimApproval(tables, hold.approval, hold)
  const charges = hold.reserves === 'nothing' ? row.charges.slice(0, -1) : row.charges
  return keep(tables, before, { ...row, charges }, lane, now)
}

function keep(
  tables: LedgerTables,
  before: PaymentRow | undefined,
  row: PaymentRow,
  lane: LaneGrant | undefined,
  now: Instant,
): HoldResult {
  const asked = lane === undefined ? [] : [lane.name]
  // No signed credential runs on the lanes of a hold, so the payment keeps only the lanes that it requests now.
  const dropped = row.state === 'held' ? row.lanes.filter((name) => !asked.includes(name)) : []
  letGo(tables, { id: row.id, lanes: dropped }, { free: true })
  const kept = row.lanes.filter((name) => !dropped.includes(name) && !asked.includes(name))
  const after = { ...row, lanes: [...kept, ...asked] }
  for (const { dimensions } of after.charges.slice(-1)) remember(tables, dimensions)
  saveCounted(tables, before, after)
  const payment = viewOf(tables, after, now)
  return lane === undefined ? { ok: true, payment } : { ok: true, payment, lane }
}

/** Returns the counters without room. Before that, it releases holds of dead processes. */
function shortfallAfterSweep(
  step: HoldStep,
  before: PaymentRow | undefined,
  row: PaymentRow,
  claims: readonly CounterClaim[],
): ReturnType<typeof shortOf> | 'again' {
  const { tables } = step
  const short = shortOf(tables, before, row, claims)
  const swept = short.length === 0 ? 0 : sweep(step, row)
  if (swept === 0) return short
  const still = shortOf(tables, before, row, claims)
  return still.length > 0 && swept >= MOST_SWEPT ? 'again' : still
}

function laneFor(step: HoldStep, row: PaymentRow, { lane }: Hold): ReturnType<typeof grantLane> | 'again' {
  const { tables, now } = step
  const granted = grantLane(tables, row, lane, now)
  const swept = granted === 'busy' ? sweep(step, row) : 0
  if (swept === 0) return granted
  const then = grantLane(tables, row, lane, now)
  return then === 'busy' && swept >= MOST_SWEPT ? 'again' : then
}

/** Releases some holds of dead processes. Returns the number of released payments. */
function sweep(step: HoldStep, row: PaymentRow): number {
  // Loads one more than it releases, because this payment may be among them.
  const orphans = step.tables.orphans(step.now, MOST_SWEPT + 1).filter(({ id }) => id !== row.id)
  for (const orphan of orphans) giveBack(step, orphan)
  return orphans.length
}

/** Releases a held payment whose process is gone. No credential was signed for it. */
function giveBack({ tables, now, ended }: HoldStep, row: PaymentRow): void {
  const reason = 'its process ended before anything was signed'
  const next = applyMove(row, { to: 'released', reason }, now, false)
  if (next === undefined) return
  letGo(tables, next.row, next.lane)
  saveCounted(tables, row, next.row)
  ended.push(viewOf(tables, next.row, now))
}

function isStale(
  tables: LedgerTables,
  { decision, resource, pattern, context }: Hold,
  now: Instant,
): boolean {
  const over = (claim: CounterClaim): boolean => claim.resetsAt !== undefined && claim.resetsAt <= now
  if (decision.at > now || now - decision.at > STALE_MS || decision.claims.some(over)) return true
  const { agent } = context
  const { vendor } = resource
  const query = { vendor, operation: pattern, agent, unit: decision.unit }
  if (versionOf(tables, query) !== decision.facts) return true
  return !grantStands(tables, { agent, vendor, grant: decision.grant }, now)
}

/**
 * Checks that a repeated hold is for the same purchase. Keys and twins are found by the values of the first hold.
 *
 * @throws TypeError if an id is used for another purchase.
 */
function checkSame(row: PaymentRow, hold: Omit<Hold, 'lane'>): void {
  const same =
    row.context.agent === hold.context.agent &&
    row.resource.vendor === hold.resource.vendor &&
    row.fingerprint === hold.fingerprint &&
    row.key === hold.key
  if (!same) throw new TypeError('This payment id belongs to another purchase')
}

function mayHoldAgain(tables: LedgerTables, row: PaymentRow, hold: Hold, now: Instant): boolean {
  if (row.state === 'held') return row.owner === hold.owner || !isLive(tables, row, now)
  return row.state === 'committed' && row.owner === hold.owner && isLive(tables, row, now)
}

/**
 * Returns the payment that blocks this hold: a payment with the same key, or, without a key, a twin whose outcome is
 * unknown.
 */
function rivalOf(step: HoldStep, hold: Hold): Extract<HoldResult, { ok: false }> | undefined {
  const { tables, now } = step
  const { agent } = hold.context
  if (hold.key === undefined) {
    for (const twin of tables.twins(agent, hold.fingerprint, now - hold.doubtWindowMs))
      if (twin.id !== hold.id && blocksRepeat(viewOf(tables, twin, now), twin, hold, now))
        return { ok: false, why: 'taken', by: viewOf(tables, twin, now) }
    return undefined
  }
  for (;;) {
    const other = tables.byKey(agent, hold.key, hold.id)
    if (other === undefined) return undefined
    if (other.state === 'held' && !isLive(tables, other, now)) {
      giveBack(step, other)
      continue
    }
    const why = other.fingerprint === hold.fingerprint ? 'taken' : 'conflict'
    return { ok: false, why, by: viewOf(tables, other, now) }
  }
}

/**
 * Returns the row of a hold: a new row, or the earlier row with new claims. It keeps the data of credentials that may
 * have been sent.
 */
function rowOf(
  tables: LedgerTables,
  hold: Hold,
  before: PaymentRow | undefined,
  now: Instant,
  charge: Charge,
): PaymentRow {
  const earlier = before?.state === 'committed' ? before.charges : []
  const { decision, key, trace } = hold
  return {
    id: hold.id,
    state: before?.state ?? 'held',
    owner: hold.owner,
    takenOver: before?.takenOver,
    context: hold.context,
    resource: pickResource(hold.resource),
    fingerprint: hold.fingerprint,
    key,
    pattern: hold.pattern,
    terms: hold.terms,
    policy: decision.policy,
    effect: decision.effect,
    reasons: decision.reasons,
    approvedBy: hold.approvedBy,
    attempts: before?.attempts ?? [],
    receipts: before?.receipts ?? [],
    charges: [...earlier, charge],
    burnt: before?.burnt ?? 0n,
    lanes: before?.lanes ?? [],
    pinned: before?.pinned ?? false,
    widened: before?.widened,
    filled: before?.filled ?? tables.meta().filled,
    delivered: before?.delivered ?? false,
    spent: undefined,
    fee: undefined,
    proof: undefined,
    reference: undefined,
    reason: undefined,
    times: undefined,
    reportedAt: before?.reportedAt,
    recheckAt: undefined,
    signed: before?.signed,
    // A new deposit counts again, even if an earlier deposit of this payment never reached the chain.
    unlocked: hold.terms.locks === undefined ? before?.unlocked : undefined,
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
    trace,
  }
}

function pickResource({ transport, vendor, operation }: Hold['resource']): Hold['resource'] {
  return { transport, vendor, operation }
}

function chargeOf(tables: LedgerTables, hold: Hold): Charge {
  const { claims } = hold.decision
  const charge = chargeNowhere(hold)
  return { ...charge, counted: [...claims.map(countedBy), ...unclaimed(tables, claims, charge)] }
}

/** Returns the charge of a decision before it counts on any counter. */
function chargeNowhere({ decision, terms }: Omit<Hold, 'lane'>): Charge {
  const { dimensions, unit, at } = decision
  const units = decision.units ?? 0n
  const lock = terms.locks === undefined ? 0n : (count(terms.locks, unit) ?? 0n)
  return { dimensions, units, price: decision.price ?? units, lock, at, counted: [] }
}

/** Records a refusal. A budget that was held while a person decided is released. */
export function denyIn(
  tables: LedgerTables,
  hold: Omit<Hold, 'lane'>,
  reason: string,
  now: Instant,
): PaymentRow {
  const before = tables.payment(hold.id)
  if (before !== undefined) checkSame(before, hold)
  const open = before === undefined || before.state === 'held'
  if (!open && (before.state !== 'released' || before.attempts.length > 0)) return before
  const { owner: _, ...row } = rowOf(tables, hold, before, now, chargeNowhere(hold))
  const denied: PaymentRow = { ...row, state: 'denied', reason, lanes: [] }
  if (before === undefined) return saveRefusal(tables, denied, now)
  letGo(tables, before, { free: true })
  const after = boundedRefusal(denied)
  saveCounted(tables, before, after)
  return after
}
