import type { Instant } from '../money/index.js'
import { type CounterClaim, counterKey, noWorse } from '../policy/index.js'
import { defined, own } from '../util/objects.js'
import {
  type AnswerResult,
  type Approval,
  type ApprovalRow,
  approvalOf,
  askerOf,
  type BudgetAfter,
  type GivenAnswer,
  type WithdrawReason,
} from './approval.js'
import { isCounted, roomsOf } from './counters.js'
import { versions } from './facts.js'
import { isLive } from './payment-view.js'
import type { AskInput, AskResult, Hold, HoldResult, Payment, PaymentId } from './port.js'
import type { LedgerTables } from './tables.js'

/** How long a yes can be used at least, in milliseconds, even if the question would expire sooner. */
const LEAST_USABLE_MS = 60_000

/** How long a denial is valid for the same terms. An agent that repeats its request is no reason to ask a person again. */
const DENIAL_STANDS_MS = 10 * 60_000

/** Returns a stored question as callers see it now. */
export function viewOfApproval(tables: LedgerTables, row: ApprovalRow, now: Instant): Approval {
  return approvalOf(row, row.state === 'waiting' && isAwaited(tables, row, now), now)
}

/** Returns whether a call of a live process waits for the answer. */
function isAwaited(tables: LedgerTables, { waiting, owner }: ApprovalRow, now: Instant): boolean {
  const payment = tables.payment(waiting)
  return payment?.state === 'held' && payment.owner === owner && isLive(tables, payment, now)
}

/** What to do with a question, if nothing is in its way: ask it, or not. */
export type Admission =
  | { readonly kind: 'ask'; readonly reserves: boolean }
  | Extract<AskResult, { kind: 'full' }>

/** A question that waits, as {@link admissionFor} needs it. */
export type WaitingQuestion = Pick<ApprovalRow, 'agent' | 'resource' | 'expires' | 'holds'>

/**
 * Decides whether a question may be asked. A pure function. If a limit of open questions is reached, nothing is asked: a
 * person who must answer a hundred questions reads none of them.
 */
export function admissionFor(
  { hold: { context, resource, decision }, settings }: Pick<AskInput, 'hold' | 'settings'>,
  waiting: readonly WaitingQuestion[],
): Admission {
  const full = (
    rule: 'perAgent' | 'perVendor',
    theirs: readonly WaitingQuestion[],
  ): Admission | undefined => {
    const limit = settings[rule]
    if (theirs.length < limit) return undefined
    return { kind: 'full', rule, limit, retryAt: Math.min(...theirs.map(({ expires }) => expires)) }
  }
  const ofAgent = waiting.filter(({ agent }) => agent === context.agent)
  const ofVendor = waiting.filter((other) => other.resource.vendor === resource.vendor)
  return (
    full('perVendor', ofVendor) ??
    full('perAgent', ofAgent) ?? {
      kind: 'ask',
      reserves: mayReserve(decision.claims, waiting, settings.holds),
    }
  )
}

/**
 * Whether the open questions and this one together hold at most so many percent of each limit that this one counts on.
 */
function mayReserve(
  claims: readonly CounterClaim[],
  waiting: readonly WaitingQuestion[],
  percent: number,
): boolean {
  const held = new Map<string, bigint>()
  for (const { key, amount } of waiting.flatMap(({ holds }) => holds))
    held.set(key, (held.get(key) ?? 0n) + amount)
  return claims.every((claim) => {
    const together = (held.get(counterKey(claim)) ?? 0n) + claim.amount
    return together * 100n <= claim.limit * BigInt(percent)
  })
}

/** The result of one step of a question, and the holds of dead processes that it released. */
export interface AskStepResult {
  readonly asked: AskResult | 'again'
  readonly ended: readonly Payment[]
}

type HoldStep = (hold: Hold) => { readonly held: HoldResult | 'again'; readonly ended: readonly Payment[] }

/**
 * Runs the atomic step of a question.
 *
 * @param holdStep - Holds the payment in the same step.
 */
export function askIn(
  tables: LedgerTables,
  input: AskInput,
  now: Instant,
  holdStep: HoldStep,
): AskStepResult {
  closeExpired(tables, now)
  const { hold } = input
  const open = tables.openApprovals()
  const same = open.filter((row) => row.agent === hold.context.agent && row.fingerprint === hold.fingerprint)
  const yes = same.find((row) => isUsable(tables, row, hold, now))
  if (yes !== undefined) return done({ kind: 'approved', approval: viewOfApproval(tables, yes, now) })
  const equal = same.find(({ state }) => state === 'waiting')
  if (equal !== undefined && equal.waiting !== hold.id && isAwaited(tables, equal, now))
    return done({ kind: 'shared', approval: viewOfApproval(tables, equal, now) })
  // The call that asked is gone. This call takes its place, unless its offer is worse than the one that was asked about.
  const covers = equal !== undefined && noWorse(hold.terms, equal.terms) && toldOf(equal, hold)
  const before = covers ? equal : undefined
  const others = open.filter((row) => row.state === 'waiting' && row !== equal)
  const admission = admissionFor(input, others)
  if (before === undefined && admission.kind === 'full') return done(admission)
  const reserves = admission.kind === 'ask' && admission.reserves
  const { held, ended } = holdStep(reserves ? hold : { ...hold, reserves: 'nothing' })
  if (held === 'again') return { asked: 'again', ended }
  if (!held.ok) return { asked: { kind: 'not held', held }, ended }
  if (before === undefined && equal !== undefined) close(tables, equal, 'withdrawn', 'left')
  const row: ApprovalRow = {
    ...(before ?? rowOf(tables, input, reserves, now)),
    owner: hold.owner,
    waiting: hold.id,
    holds: reserves
      ? hold.decision.claims.map((claim) => ({ key: counterKey(claim), amount: claim.amount }))
      : [],
  }
  save(tables, row)
  return { asked: { kind: 'asked', approval: viewOfApproval(tables, row, now), held }, ended }
}

/** Stores a row that inherits nothing. A store in memory keeps the same object. */
function save(tables: LedgerTables, row: ApprovalRow): void {
  tables.saveApproval(own(row))
}

function done(asked: AskResult): AskStepResult {
  return { asked, ended: [] }
}

function rowOf(
  tables: LedgerTables,
  { id, hold, termsHash, serverSays, settings }: AskInput,
  reserves: boolean,
  now: Instant,
): ApprovalRow {
  const { transport, vendor, operation } = hold.resource
  return defined({
    id,
    payment: hold.id,
    state: 'waiting' as const,
    ...askerOf(hold.context),
    resource: { transport, vendor, operation },
    terms: hold.terms,
    reasons: hold.decision.reasons,
    serverSays,
    budgets: budgetsAfter(tables, hold.decision.claims, reserves),
    askedAt: now,
    expires: now + settings.timeoutMs,
    termsHash,
    fingerprint: hold.fingerprint,
    pattern: hold.pattern,
    owner: hold.owner,
    waiting: hold.id,
    holds: [],
    last: hold.decision.repeat?.last,
    open: true,
  })
}

/** Returns what the budgets have left after the payment. Its hold is counted already if it reserves. */
function budgetsAfter(
  tables: LedgerTables,
  claims: readonly CounterClaim[],
  reserves: boolean,
): readonly BudgetAfter[] | undefined {
  if (!isCounted(tables, claims)) return undefined
  return roomsOf(tables, claims).map(({ claim: { rule, counts, limit, resetsAt, amount }, remaining }) => {
    const left = reserves ? remaining : remaining - amount
    return defined({ rule, counts, limit, remaining: left > 0n ? left : 0n, resetsAt })
  })
}

/** Closes questions and yeses whose time is over. There are few open ones. */
function closeExpired(tables: LedgerTables, now: Instant): void {
  for (const row of tables.openApprovals()) {
    if (row.state === 'waiting' && row.expires <= now) close(tables, row, 'expired')
    if (row.state === 'approved' && !isInTime(row, now)) save(tables, { ...row, open: false })
  }
}

function close(
  tables: LedgerTables,
  row: ApprovalRow,
  state: 'expired' | 'withdrawn',
  withdrawn?: WithdrawReason,
): ApprovalRow {
  const why = withdrawn === undefined ? {} : { withdrawn }
  const closed = { ...row, state, ...why, holds: [], open: false }
  save(tables, closed)
  return closed
}

function isInTime({ usableUntil }: ApprovalRow, now: Instant): boolean {
  return usableUntil !== undefined && usableUntil > now
}

/** Stores an answer. The first answer counts. */
export function answerIn(tables: LedgerTables, id: string, answer: GivenAnswer, now: Instant): AnswerResult {
  const row = tables.approval(id)
  if (row === undefined) return { ok: false, why: 'unknown' }
  const no = (why: 'answered' | 'late' | 'withdrawn', of = row): AnswerResult => ({
    ok: false,
    why,
    approval: viewOfApproval(tables, of, now),
  })
  if (row.state === 'expired') return no('late')
  if (row.state === 'withdrawn') return no('withdrawn')
  if (row.state !== 'waiting') return no('answered')
  if (row.expires <= now) return no('late', close(tables, row, 'expired'))
  const given = own({ ...answer, at: now })
  const { approved } = answer
  const awaited = isAwaited(tables, row, now)
  const answered: ApprovalRow = defined({
    ...row,
    state: approved ? ('approved' as const) : ('denied' as const),
    answer: given,
    usableUntil: approved ? Math.max(row.expires, now + LEAST_USABLE_MS) : undefined,
    // A call that waits gets the yes. Without one, the next call for the same request gets it.
    usedBy: approved && awaited ? row.waiting : undefined,
    holds: [],
    open: approved,
  })
  save(tables, answered)
  if (!approved) {
    const { agent, resource, pattern, terms } = row
    const denial = { operation: pattern, terms, until: now + DENIAL_STANDS_MS }
    tables.addDenial(agent, resource.vendor, denial, now)
    tables.bump(versions.agent(agent, resource.vendor))
  }
  return { ok: true, approval: viewOfApproval(tables, answered, now) }
}

/** Ends a question that waits. Returns it as it is then. */
export function withdrawIn(
  tables: LedgerTables,
  id: string,
  why: WithdrawReason | 'expired',
  now: Instant,
): Approval | undefined {
  const row = tables.approval(id)
  if (row === undefined) return undefined
  if (row.state !== 'waiting') return viewOfApproval(tables, row, now)
  const closed = why === 'expired' ? close(tables, row, why) : close(tables, row, 'withdrawn', why)
  return viewOfApproval(tables, closed, now)
}

type Use = Pick<Hold, 'id' | 'terms' | 'fingerprint' | 'context'> & Partial<Pick<Hold, 'decision'>>

/**
 * Returns whether this payment may use a yes: it is in time, for the same request and for terms that are no better, and
 * no other payment uses it. A payment that ended before it was committed uses nothing.
 */
function isUsable(tables: LedgerTables, row: ApprovalRow, use: Use, now: Instant): boolean {
  return (
    row.state === 'approved' &&
    row.open &&
    row.usedAt === undefined &&
    isInTime(row, now) &&
    row.agent === use.context.agent &&
    row.fingerprint === use.fingerprint &&
    noWorse(use.terms, row.terms) &&
    toldOf(row, use) &&
    (row.usedBy === undefined || row.usedBy === use.id || isGivenUp(tables, row.usedBy, now))
  )
}

/** Returns whether the person knew of the newest purchase of the same request, if a rule asks about repeats. */
function toldOf({ last }: ApprovalRow, { decision }: Pick<Use, 'decision'>): boolean {
  const newest = decision?.repeat?.last
  return newest === undefined || newest === last
}

/**
 * Returns whether a payment has ended, or was left by its process, before anything was committed. A payment that was
 * committed keeps every yes that it claimed: a person who approved two offers for one purchase approved one purchase.
 */
function isGivenUp(tables: LedgerTables, id: PaymentId, now: Instant): boolean {
  const row = tables.payment(id)
  if (row === undefined) return true
  return row.attempts.length === 0 && row.state !== 'committed' && !isLive(tables, row, now)
}

/** Returns whether this payment may use the yes of this question. */
export function mayUseApproval(tables: LedgerTables, id: string, use: Use, now: Instant): boolean {
  const row = tables.approval(id)
  return row !== undefined && isUsable(tables, row, use, now)
}

/** Claims a yes for a payment that is held. {@link mayUseApproval} must have returned true. */
export function claimApproval(tables: LedgerTables, id: string, { id: usedBy }: Pick<Use, 'id'>): void {
  const row = tables.approval(id)
  if (row !== undefined && row.usedBy !== usedBy) save(tables, { ...row, usedBy })
}

/**
 * Uses up the yes of a payment that is committed now.
 *
 * @returns False if the payment has not claimed this yes, or if it lapsed.
 */
export function useApproval(tables: LedgerTables, id: string, use: Use, now: Instant): boolean {
  const row = tables.approval(id)
  if (row === undefined || row.usedBy !== use.id || !isUsable(tables, row, use, now)) return false
  save(tables, { ...row, usedAt: now, open: false })
  return true
}

/** Ends every question and every unused yes. After a loss of data, a yes may have been used already. */
export function closeApprovals(tables: LedgerTables): void {
  for (const row of tables.openApprovals())
    if (row.state === 'waiting') close(tables, row, 'withdrawn', 'left')
    else save(tables, { ...row, open: false })
}

/** Moves the end times of open questions. */
export function moveApprovalEnds(tables: LedgerTables, move: (until: Instant) => Instant): void {
  for (const row of tables.openApprovals()) {
    const { expires, usableUntil } = row
    const until = usableUntil === undefined ? {} : { usableUntil: move(usableUntil) }
    save(tables, { ...row, expires: move(expires), ...until })
  }
}
