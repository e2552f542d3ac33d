import { count, type Instant } from '../money/index.js'
import { asAgreed } from '../policy/index.js'
import type { Receipt } from '../protocol/index.js'
import type { PaymentRow } from './payment-row.js'
import type { Evidence, Move } from './port.js'

/** What a move does to the payment's lanes: their next value, and whether the payment lets go of them. */
export interface LaneChange {
  readonly free: boolean
  readonly value?: bigint
  /** The value is proven, so it may also be lower than what a server's receipt made it. */
  readonly proven?: boolean
}

/** Where a move leads. Undefined where the machine forbids it. */
export type Transition = { readonly row: PaymentRow; readonly lane: LaneChange } | undefined

type MoveOf<To extends Move['to']> = Extract<Move, { to: To }>

const KEEP: LaneChange = Object.freeze({ free: false })

/**
 * The payment's state machine: the row, the move, the store's time, and whether the payment's owner lives. Pure, and
 * the only place where a state changes.
 */
export function applyMove(row: PaymentRow, move: Move, now: Instant, live: boolean): Transition {
  switch (move.to) {
    case 'committed':
      return commit(row, move, now, live)
    case 'evidence':
      return learn(row, move, now)
    case 'voided':
      return voidOne(row, move, now)
    case 'unresolved':
      return leave(row, move, now)
    case 'taken-over':
      return adopt(row, move, now, live)
    case 'settled':
      return settle(row, move, now)
    case 'released':
      return release(row, move, now)
    case 'delivered':
      return deliver(row, move, now)
    case 'undelivered':
      return undeliver(row, now)
    case 'reported':
      return report(row, move, now)
    case 'rejected':
      return reject(row, move, now)
    case 'unlocked':
      return unlock(row, now)
  }
}

function commit(row: PaymentRow, move: MoveOf<'committed'>, now: Instant, live: boolean): Transition {
  if ((row.state !== 'held' && row.state !== 'committed') || !live) return undefined
  const attempts = [...row.attempts, { ...move.attempt, at: now }]
  const committed: PaymentRow = {
    ...row,
    state: 'committed',
    attempts,
    pinned: row.pinned || move.pin,
    widened: row.widened === true || move.widenPin ? true : undefined,
    recheckAt: undefined,
    updatedAt: now,
  }
  if (move.signed === undefined) return same(committed)
  return { row: { ...committed, signed: true }, lane: { free: false, value: move.signed } }
}

function learn(row: PaymentRow, move: MoveOf<'evidence'>, now: Instant): Transition {
  const last = row.attempts.at(-1)
  // Of an attempt that is proven void nothing may leave any more, so nothing is learned of it.
  if (row.state !== 'committed' || last === undefined || last.void !== undefined) return undefined
  if (move.attempt !== undefined && move.attempt !== row.attempts.length - 1) return undefined
  const attempts = [...row.attempts.slice(0, -1), { ...last, evidence: move.evidence }]
  return same({ ...row, attempts, updatedAt: now })
}

function voidOne(row: PaymentRow, move: MoveOf<'voided'>, now: Instant): Transition {
  const attempt = row.attempts[move.attempt]
  const word = row.state === 'settled' && row.proof === 'receipt'
  if (!(row.state === 'committed' || word) || attempt === undefined || attempt.void !== undefined)
    return undefined
  if (move.evidence !== undefined && !isSame(move.evidence, attempt.evidence)) return undefined
  const attempts = row.attempts.with(move.attempt, { ...attempt, void: move.reason })
  return {
    row: { ...row, attempts, burnt: row.burnt + burntUnits(row, move.fee, attempt), updatedAt: now },
    lane: move.lane === undefined ? KEEP : { free: false, value: move.lane, proven: true },
  }
}

/** Both come from a store, which keeps the order of names. */
function isSame(one: Evidence, other: Evidence): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

function leave(row: PaymentRow, move: MoveOf<'unresolved'>, now: Instant): Transition {
  if (row.state === 'released') return answered(row, move, now)
  if (row.state !== 'committed') return undefined
  const left: PaymentRow = {
    ...row,
    owner: undefined,
    recheckAt: move.recheckAt,
    receipts: withReceipt(row, move.receipt),
    delivered: row.delivered || move.delivered === true,
    rejection: move.delivered === true ? undefined : row.rejection,
    updatedAt: now,
  }
  // The next total is higher whatever becomes of this one: nobody has to wait for that.
  return { row: left, lane: { free: row.signed === true } }
}

function adopt(row: PaymentRow, move: MoveOf<'taken-over'>, now: Instant, live: boolean): Transition {
  if (row.state !== 'committed' || (live && row.owner !== move.owner)) return undefined
  return same({ ...row, owner: move.owner, takenOver: true, updatedAt: now })
}

function settle(row: PaymentRow, move: MoveOf<'settled'>, now: Instant): Transition {
  if (row.state === 'held' || row.state === 'denied') return undefined
  // A released payment was proven void. Only proof can beat proof; a server's word cannot.
  if (row.state === 'released' && move.proof === 'receipt') return answered(row, move, now)
  return {
    row: {
      ...settledAs(row, move),
      state: 'settled',
      owner: undefined,
      takenOver: undefined,
      reason: undefined,
      receipts: withReceipt(row, move.receipt),
      delivered: row.delivered || move.delivered === true,
      rejection: move.delivered === true ? undefined : row.rejection,
      // What more is learned of a settled payment does not change when its fee is read.
      recheckAt: move.recheckAt ?? (row.state === 'settled' ? row.recheckAt : undefined),
      updatedAt: now,
    },
    lane: { free: true, ...(move.lane === undefined ? {} : { value: move.lane }) },
  }
}

const STRENGTH = { receipt: 0, person: 1, chain: 2 } as const

/** What is known of the money after a settlement. A weaker word changes nothing that a stronger one said. */
function settledAs(row: PaymentRow, move: MoveOf<'settled'>): PaymentRow {
  const before = row.state === 'settled' ? row.proof : undefined
  const fee = move.fee ?? row.fee
  if (before !== undefined && STRENGTH[move.proof] < STRENGTH[before]) return { ...row, fee }
  const reference = move.reference ?? row.reference
  // A receipt is the server's word: it settles at the agreed price and lowers nothing.
  const spent = move.proof === 'receipt' ? row.spent : (move.spent ?? row.spent)
  return { ...row, proof: move.proof, fee, reference, spent }
}

function release(row: PaymentRow, move: MoveOf<'released'>, now: Instant): Transition {
  const more = move.attempts !== undefined && move.attempts !== row.attempts.length
  if (more || !releasable(row)) return undefined
  const attempts = row.attempts.map((a) => (a.void === undefined ? { ...a, void: move.reason } : a))
  return {
    row: {
      ...row,
      state: 'released',
      owner: undefined,
      takenOver: undefined,
      attempts,
      recheckAt: undefined,
      spent: undefined,
      fee: undefined,
      proof: undefined,
      reason: move.reason,
      burnt: row.burnt + burntUnits(row, move.fee),
      updatedAt: now,
    },
    lane: { free: true, ...(move.lane === undefined ? {} : { value: move.lane }) },
  }
}

/**
 * The move is the word on one attempt at most: all others must have been proven void before. What settled on a
 * server's word alone may turn out void; what was read from the rail's own record may not.
 */
function releasable(row: PaymentRow): boolean {
  const open = row.attempts.filter((attempt) => attempt.void === undefined).length
  if (row.state === 'held') return true
  if (row.state === 'committed') return open <= 1
  return row.state === 'settled' && row.proof === 'receipt' && open <= 1
}

/**
 * An answer that came after its payment was released: somebody else may have closed a proof that moved nothing while
 * this process slept. What reached a caller is written down; the money, and the state, stay as they were proven.
 */
function answered(row: PaymentRow, move: MoveOf<'unresolved'> | MoveOf<'settled'>, now: Instant): Transition {
  return move.delivered === true ? deliver(row, move, now) : undefined
}

function deliver(row: PaymentRow, move: { readonly receipt?: Receipt }, now: Instant): Transition {
  const ended = row.state === 'settled' || row.state === 'released'
  // Budget that was given back before anything was signed bought nothing.
  if (!ended || row.attempts.length === 0) return undefined
  return same({
    ...row,
    delivered: true,
    rejection: undefined,
    receipts: withReceipt(row, move.receipt),
    updatedAt: now,
  })
}

/** Of a payment that moved nothing, nobody misses the answer. */
function undeliver(row: PaymentRow, now: Instant): Transition {
  if ((row.state !== 'settled' && row.state !== 'committed') || !row.delivered) return undefined
  return same({ ...row, delivered: false, updatedAt: now })
}

function report(row: PaymentRow, move: MoveOf<'reported'>, now: Instant): Transition {
  const open = row.state === 'committed' || (row.state === 'settled' && !row.delivered)
  if (!open) return undefined
  const reported = { ...row, reportedAt: row.reportedAt ?? now, updatedAt: now }
  return same(move.repeatable === true ? { ...reported, repeatable: true } : reported)
}

function reject(row: PaymentRow, { rejection }: MoveOf<'rejected'>, now: Instant): Transition {
  if (row.attempts.length === 0) return undefined
  return same({ ...row, rejection, updatedAt: now })
}

function unlock(row: PaymentRow, now: Instant): Transition {
  if (row.state !== 'settled' && row.state !== 'committed') return undefined
  return same({ ...row, unlocked: true, updatedAt: now })
}

function same(row: PaymentRow): Transition {
  return { row, lane: KEEP }
}

function withReceipt(row: PaymentRow, receipt: Receipt | undefined): PaymentRow['receipts'] {
  return receipt === undefined ? row.receipts : [...row.receipts, receipt]
}

/** A burnt fee in units, as it was agreed on; one in a currency without a value there counts at the bound. */
function burntUnits(row: PaymentRow, fee: MoveOf<'voided'>['fee'], attempt = row.attempts.at(-1)): bigint {
  const charge = row.charges.at(-1)
  if (fee === undefined || charge === undefined) return 0n
  return (
    count(asAgreed(fee, attempt?.terms ?? row.terms), charge.dimensions.unit) ?? charge.units - charge.price
  )
}
