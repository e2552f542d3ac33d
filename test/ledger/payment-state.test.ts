import { describe, expect, it } from 'vitest'
import type { Attempt, Move, PaymentState } from '../../src/ledger/index.js'
import type { PaymentRow } from '../../src/ledger/payment-row.js'
import { applyMove } from '../../src/ledger/payment-state.js'
import { CENT, cents, evidence, START, termsOf } from './fixtures.js'

const attempt: Attempt = { challengeId: 'c', terms: termsOf({}), evidence, at: START }
const charge: PaymentRow['charges'][number] = {
  counted: [],
  dimensions: {
    policy: 'team',
    agent: 'a',
    tasks: [],
    vendor: 'v',
    payees: {},
    network: 'n',
    unit: 'iso4217:USD',
  },
  units: 14n * CENT,
  price: 10n * CENT,
  lock: 0n,
  at: START,
}

function row(state: PaymentState, more: Partial<PaymentRow> = {}): PaymentRow {
  const attempts = state === 'held' || state === 'denied' ? [] : [attempt]
  return {
    id: 'a',
    state,
    owner: 'me',
    context: { agent: 'a', tasks: [] },
    resource: { transport: 'http', vendor: 'v', operation: 'o' },
    fingerprint: 'f',
    pattern: 'o',
    terms: termsOf({}),
    policy: 'hash',
    effect: 'allow',
    reasons: [],
    attempts,
    receipts: [],
    charges: [charge],
    burnt: 0n,
    lanes: [],
    pinned: false,
    filled: 0,
    delivered: false,
    createdAt: START,
    updatedAt: START,
    ...(state === 'settled' ? { proof: 'chain' as const } : {}),
    ...more,
  }
}

const moves: { readonly [To in Move['to']]: Extract<Move, { to: To }> } = {
  committed: {
    to: 'committed',
    attempt: { challengeId: 'c', terms: termsOf({}), evidence },
    pin: false,
    widenPin: false,
  },
  evidence: { to: 'evidence', evidence },
  voided: { to: 'voided', attempt: 0, reason: 'expired' },
  unresolved: { to: 'unresolved' },
  'taken-over': { to: 'taken-over', owner: 'me' },
  settled: { to: 'settled', proof: 'chain', reference: 'r' },
  released: { to: 'released', reason: 'void' },
  delivered: { to: 'delivered' },
  undelivered: { to: 'undelivered' },
  reported: { to: 'reported' },
  rejected: { to: 'rejected', rejection: { status: 402 } },
  unlocked: { to: 'unlocked' },
}

/** Where every move leads from every state. Nothing else is possible. */
const TABLE: { readonly [State in PaymentState]: { readonly [To in Move['to']]?: PaymentState } } = {
  denied: {},
  held: { committed: 'committed', released: 'released' },
  committed: {
    committed: 'committed',
    evidence: 'committed',
    voided: 'committed',
    unresolved: 'committed',
    'taken-over': 'committed',
    settled: 'settled',
    released: 'released',
    reported: 'committed',
    rejected: 'committed',
    unlocked: 'committed',
  },
  settled: {
    settled: 'settled',
    delivered: 'settled',
    reported: 'settled',
    rejected: 'settled',
    unlocked: 'settled',
  },
  released: { settled: 'settled', delivered: 'released', rejected: 'released' },
}

const states: readonly PaymentState[] = ['denied', 'held', 'committed', 'settled', 'released']

describe('the payment state machine', () => {
  it.each(states.flatMap((state) => Object.values(moves).map((move) => [state, move.to, move] as const)))(
    '%s, %s',
    (state, to, move) => {
      expect(applyMove(row(state), move, START, true)?.row.state).toBe(TABLE[state][to])
    },
  )

  it.each(['committed', 'settled'] as const)('%s, takes back that an answer reached its caller', (state) => {
    const taken = applyMove(row(state, { delivered: true }), moves.undelivered, START, false)?.row
    expect(taken).toMatchObject({ state, delivered: false })
    expect(applyMove(row('released', { delivered: true }), moves.undelivered, START, false)).toBeUndefined()
  })

  it('commits for a live owner alone', () => {
    expect(applyMove(row('held'), moves.committed, START, false)).toBeUndefined()
    expect(applyMove(row('committed'), moves.committed, START, false)).toBeUndefined()
  })

  it('lets nobody adopt what another works on', () => {
    const other = { to: 'taken-over', owner: 'you' } as const
    expect(applyMove(row('committed'), other, START, true)).toBeUndefined()
    expect(applyMove(row('committed'), other, START, false)?.row).toMatchObject({
      owner: 'you',
      takenOver: true,
    })
  })

  it('releases only when every other attempt is proven void', () => {
    const two = row('committed', { attempts: [attempt, attempt] })
    expect(applyMove(two, moves.released, START, true)).toBeUndefined()
    const one = applyMove(two, { ...moves.voided, fee: cents(1) }, START, true)?.row
    expect(one?.attempts.map((a) => a.void)).toEqual(['expired', undefined])
    const none = one && applyMove(one, { ...moves.released, fee: cents(2) }, START, true)?.row
    expect(none).toMatchObject({ state: 'released', burnt: 3n * CENT })
    expect(one && applyMove(one, moves.voided, START, true)).toBeUndefined()
    expect(applyMove(two, { ...moves.voided, attempt: 2 }, START, true)).toBeUndefined()
  })

  it('takes a proof for the evidence that it rests on, and for no other', () => {
    const proof = { ...moves.voided, evidence }
    const learned = { ...attempt, evidence: { ...evidence, detail: { token: 'made' } } }
    expect(applyMove(row('committed', { attempts: [learned] }), proof, START, true)).toBeUndefined()
    const stored = { ...attempt, evidence: JSON.parse(JSON.stringify(evidence)) }
    expect(
      applyMove(row('committed', { attempts: [stored] }), proof, START, true)?.row.attempts[0]?.void,
    ).toBe('expired')
  })

  it('learns of the attempt that is meant, and never of one that is proven void', () => {
    const learned = { to: 'evidence', evidence: { ...evidence, detail: { token: 'made' } } } as const
    const two = row('committed', { attempts: [attempt, attempt] })
    expect(applyMove(two, { ...learned, attempt: 1 }, START, true)?.row.attempts).toMatchObject([
      { evidence },
      { evidence: learned.evidence },
    ])
    expect(applyMove(two, { ...learned, attempt: 0 }, START, true)).toBeUndefined()
    const over = row('committed', { attempts: [{ ...attempt, void: 'expired' }] })
    expect(applyMove(over, learned, START, true)).toBeUndefined()
  })

  it('takes back what settled on a word alone, never what was proven', () => {
    expect(applyMove(row('settled', { proof: 'receipt' }), moves.released, START, false)?.row.state).toBe(
      'released',
    )
    expect(applyMove(row('settled', { proof: 'chain' }), moves.released, START, false)).toBeUndefined()
    expect(applyMove(row('settled', { proof: 'person' }), moves.released, START, false)).toBeUndefined()
  })

  it('does not release a payment for fewer attempts than it has', () => {
    const two = row('committed', { attempts: [{ ...attempt, void: 'expired' }, attempt] })
    expect(applyMove(two, { ...moves.released, attempts: 1 }, START, false)).toBeUndefined()
    expect(applyMove(two, { ...moves.released, attempts: 2 }, START, false)?.row.state).toBe('released')
  })

  it('does not bring a released payment back on a word', () => {
    expect(applyMove(row('released'), { to: 'settled', proof: 'receipt' }, START, false)).toBeUndefined()
    expect(applyMove(row('released'), { to: 'settled', proof: 'person' }, START, false)?.row.state).toBe(
      'settled',
    )
  })

  it('keeps the receipt of an answer that came after the release, and no money with it', () => {
    const receipt = { success: true, reference: 'late', claims: {} }
    const released = row('released', { reason: 'expired', burnt: 2n * CENT })
    const kept = { ...released, delivered: true, receipts: [receipt] }
    expect(applyMove(released, { to: 'delivered', receipt }, START, false)?.row).toEqual(kept)
    const word = {
      to: 'settled',
      proof: 'receipt',
      delivered: true,
      spent: cents(9),
      lane: 7n,
      receipt,
    } as const
    expect(applyMove(released, word, START, false)).toEqual({ row: kept, lane: { free: false } })
    const left = { to: 'unresolved', delivered: true, recheckAt: START + 1, receipt } as const
    expect(applyMove(released, left, START, false)).toEqual({ row: kept, lane: { free: false } })
    expect(applyMove(row('released', { attempts: [] }), moves.delivered, START, false)).toBeUndefined()
  })

  it('believes the stronger word about money', () => {
    const chain = row('settled', { proof: 'chain', spent: cents(4), reference: '0x1' })
    const receipt = { success: true, claims: {} }
    const after = applyMove(
      chain,
      { to: 'settled', proof: 'receipt', reference: 'lie', spent: cents(1), receipt },
      START,
      false,
    )
    expect(after?.row).toMatchObject({
      proof: 'chain',
      spent: cents(4),
      reference: '0x1',
      receipts: [receipt],
    })
    const said = applyMove(
      row('committed'),
      { to: 'settled', proof: 'receipt', spent: cents(1) },
      START,
      true,
    )
    expect(said?.row.spent).toBeUndefined()
    const read =
      said &&
      applyMove(said.row, { to: 'settled', proof: 'chain', spent: cents(3), fee: cents(1) }, START, false)
    expect(read?.row).toMatchObject({ proof: 'chain', spent: cents(3), fee: cents(1) })
  })

  it('frees lanes at the end, with their next value', () => {
    expect(applyMove(row('committed'), { ...moves.settled, lane: 5n }, START, true)?.lane).toEqual({
      free: true,
      value: 5n,
    })
    expect(applyMove(row('held'), moves.released, START, true)?.lane).toEqual({ free: true })
    expect(applyMove(row('committed'), moves.unresolved, START, true)?.lane).toEqual({ free: false })
    expect(applyMove(row('committed'), { ...moves.voided, lane: 6n }, START, true)?.lane).toEqual({
      free: false,
      value: 6n,
      proven: true,
    })
  })

  it('remembers the first report', () => {
    const once = applyMove(row('committed'), moves.reported, START + 1, true)?.row
    expect(once && applyMove(once, moves.reported, START + 9, true)?.row.reportedAt).toBe(START + 1)
    expect(applyMove(row('settled', { delivered: true }), moves.reported, START, false)).toBeUndefined()
  })
})
