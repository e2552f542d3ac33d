import { count, type Instant } from '../money/index.js'
import { asAgreed } from '../policy/index.js'
import type { Receipt } from '../protocol/index.js'
import type { PaymentRow } from './payment-row.js'
import type { Evidence, Move } from './port.js'

/** The effect of a move on the payment's lanes: their next value, and whether the payment releases them. */
export interface LaneChange {
  readonly free: boolean
  readonly value?: bigint
  /** The value is proven, so it may be lower than a value from a server's receipt. */
  readonly proven?: boolean
}

/** The result of a move. Undefined if the machine forbids the move. */
export type Transition = { readonly row: PaymentRow; readonly lane: LaneChange } | undefined

type MoveOf<To extends Move['to']> = Extract<Move, { to: To }>

const KEEP: LaneChange = Object.freeze({ free: false })

/**
 * Applies a move to a row. This is the payment's state machine: it uses the row, the move, the store's time, and
 * whether the payment's owner is alive. It is pure, and states change only here.
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
  // An attempt that is proven void must not send a credential any more, so the ledger accepts no more evidence for it.
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

/** Compares two pieces of evidence. Both come from a store, and a store keeps the order of property names. */
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
  // The next total is higher in every case, so other payments do not need to wait for the outcome of this one.
  return { row: left, lane: { free: row.signed === true } }
}

function adopt(row: PaymentRow, move: MoveOf<'taken-over'>, now: Instant, live: boolean): Transition {
  if (row.state !== 'committed' || (live && row.owner !== move.owner)) return undefined
  return same({ ...row, owner: move.owner, takenOver: true, updatedAt: now })
}

function settle(row: PaymentRow, move: MoveOf<'settled'>, now: Instant): Transition {
  if (row.state === 'held' || row.state === 'denied') return undefined
  // A released payment was proven void. Only another proof can override that proof. A server's receipt cannot.
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
      // For a settled payment, new evidence does not change the time when its fee is read.
      recheckAt: move.recheckAt ?? (row.state === 'settled' ? row.recheckAt : undefined),
      updatedAt: now,
    },
    lane: { free: true, ...(move.lane === undefined ? {} : { value: move.lane }) },
  }
}

const STRENGTH = { receipt: 0, person: 1, chain: 2 } as const

/** Returns the row after a settlement. A weaker proof changes nothing that a stronger proof has set. */
function settledAs(row: PaymentRow, move: MoveOf<'settled'>): PaymentRow {
  const before = row.state === 'settled' ? row.proof : undefined
  const fee = move.fee ?? row.fee
  if (before !== undefined && STRENGTH[move.proof] < STRENGTH[before]) return { ...row, fee }
  const reference = move.reference ?? row.reference
  // A receipt is the server's claim. It settles the payment at the agreed price and lowers nothing.
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
 * Returns whether a release is possible. A release can prove the end of one attempt at most, so all other attempts must
 * have been proven void before. A payment that settled only on a server's receipt may turn out void. A payment that
 * settled on the record of its rail may not.
 */
function releasable(row: PaymentRow): boolean {
  const open = row.attempts.filter((attempt) => attempt.void === undefined).length
  if (row.state === 'held') return true
  if (row.state === 'committed') return open <= 1
  return row.state === 'settled' && row.proof === 'receipt' && open <= 1
}

/**
 * Records an answer that arrived after its payment was released. Another process may have released the payment while
 * this process slept, because a proof showed that no money moved. The ledger records that the answer was delivered. The
 * money and the state stay as they were proven.
 */
function answered(row: PaymentRow, move: MoveOf<'unresolved'> | MoveOf<'settled'>, now: Instant): Transition {
  return move.delivered === true ? deliver(row, move, now) : undefined
}

function deliver(row: PaymentRow, move: { readonly receipt?: Receipt }, now: Instant): Transition {
  const ended = row.state === 'settled' || row.state === 'released'
  // A budget that was released before a credential was signed bought nothing.
  if (!ended || row.attempts.length === 0) return undefined
  return same({
    ...row,
    delivered: true,
    rejection: undefined,
    receipts: withReceipt(row, move.receipt),
    updatedAt: now,
  })
}

/** Reverses a delivery. A payment that moved no money needs no delivery, so the move is refused for it. */
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

/** Returns a burnt fee in units, at the agreed rate. A fee in a currency without a known value counts at its bound. */
function burntUnits(row: PaymentRow, fee: MoveOf<'voided'>['fee'], attempt = row.attempts.at(-1)): bigint {
  const charge = row.charges.at(-1)
  if (fee === undefined || charge === undefined) return 0n
  return (
    count(asAgreed(fee, attempt?.terms ?? row.terms), charge.dimensions.unit) ?? charge.units - charge.price
  )
}
