import { describe, expect, it } from 'vitest'
import type { Attempt, Move, PaymentState } from '../../src/ledger/index.js'
import { step } from '../../src/ledger/machine.js'
import type { Row } from '../../src/ledger/row.js'
import { CENT, cents, evidence, START, termsOf } from './fixtures.js'

const attempt: Attempt = { challengeId: 'c', terms: termsOf({}), evidence, at: START }
const charge: Row['charges'][number] = {
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

function row(state: PaymentState, more: Partial<Row> = {}): Row {
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
  learned: { to: 'learned', evidence },
  voided: { to: 'voided', attempt: 0, because: 'expired' },
  left: { to: 'left' },
  adopted: { to: 'adopted', owner: 'me' },
  settled: { to: 'settled', proof: 'chain', reference: 'r' },
  released: { to: 'released', because: 'void' },
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
    learned: 'committed',
    voided: 'committed',
    left: 'committed',
    adopted: 'committed',
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
      expect(step(row(state), move, START, true)?.row.state).toBe(TABLE[state][to])
    },
  )

  it.each(['committed', 'settled'] as const)('%s, takes back that an answer reached its caller', (state) => {
    const taken = step(row(state, { delivered: true }), moves.undelivered, START, false)?.row
    expect(taken).toMatchObject({ state, delivered: false })
    expect(step(row('released', { delivered: true }), moves.undelivered, START, false)).toBeUndefined()
  })

  it('commits for a live owner alone', () => {
    expect(step(row('held'), moves.committed, START, false)).toBeUndefined()
    expect(step(row('committed'), moves.committed, START, false)).toBeUndefined()
  })

  it('lets nobody adopt what another works on', () => {
    const other = { to: 'adopted', owner: 'you' } as const
    expect(step(row('committed'), other, START, true)).toBeUndefined()
    expect(step(row('committed'), other, START, false)?.row).toMatchObject({ owner: 'you', adopted: true })
  })

  it('releases only when every other attempt is proven void', () => {
    const two = row('committed', { attempts: [attempt, attempt] })
    expect(step(two, moves.released, START, true)).toBeUndefined()
    const one = step(two, { ...moves.voided, fee: cents(1) }, START, true)?.row
    expect(one?.attempts.map((a) => a.void)).toEqual(['expired', undefined])
    const none = one && step(one, { ...moves.released, fee: cents(2) }, START, true)?.row
    expect(none).toMatchObject({ state: 'released', burnt: 3n * CENT })
    expect(one && step(one, moves.voided, START, true)).toBeUndefined()
    expect(step(two, { ...moves.voided, attempt: 2 }, START, true)).toBeUndefined()
  })

  it('takes a proof for the evidence that it rests on, and for no other', () => {
    const proof = { ...moves.voided, evidence }
    const learned = { ...attempt, evidence: { ...evidence, detail: { token: 'made' } } }
    expect(step(row('committed', { attempts: [learned] }), proof, START, true)).toBeUndefined()
    const stored = { ...attempt, evidence: JSON.parse(JSON.stringify(evidence)) }
    expect(step(row('committed', { attempts: [stored] }), proof, START, true)?.row.attempts[0]?.void).toBe(
      'expired',
    )
  })

  it('learns of the attempt that is meant, and never of one that is proven void', () => {
    const learned = { to: 'learned', evidence: { ...evidence, detail: { token: 'made' } } } as const
    const two = row('committed', { attempts: [attempt, attempt] })
    expect(step(two, { ...learned, attempt: 1 }, START, true)?.row.attempts).toMatchObject([
      { evidence },
      { evidence: learned.evidence },
    ])
    expect(step(two, { ...learned, attempt: 0 }, START, true)).toBeUndefined()
    const over = row('committed', { attempts: [{ ...attempt, void: 'expired' }] })
    expect(step(over, learned, START, true)).toBeUndefined()
  })

  it('takes back what settled on a word alone, never what was proven', () => {
    expect(step(row('settled', { proof: 'receipt' }), moves.released, START, false)?.row.state).toBe(
      'released',
    )
    expect(step(row('settled', { proof: 'chain' }), moves.released, START, false)).toBeUndefined()
    expect(step(row('settled', { proof: 'person' }), moves.released, START, false)).toBeUndefined()
  })

  it('does not release a payment for fewer attempts than it has', () => {
    const two = row('committed', { attempts: [{ ...attempt, void: 'expired' }, attempt] })
    expect(step(two, { ...moves.released, attempts: 1 }, START, false)).toBeUndefined()
    expect(step(two, { ...moves.released, attempts: 2 }, START, false)?.row.state).toBe('released')
  })

  it('does not bring a released payment back on a word', () => {
    expect(step(row('released'), { to: 'settled', proof: 'receipt' }, START, false)).toBeUndefined()
    expect(step(row('released'), { to: 'settled', proof: 'person' }, START, false)?.row.state).toBe('settled')
  })

  it('keeps the receipt of an answer that came after the release, and no money with it', () => {
    const receipt = { success: true, reference: 'late', claims: {} }
    const released = row('released', { because: 'expired', burnt: 2n * CENT })
    const kept = { ...released, delivered: true, receipts: [receipt] }
    expect(step(released, { to: 'delivered', receipt }, START, false)?.row).toEqual(kept)
    const word = {
      to: 'settled',
      proof: 'receipt',
      delivered: true,
      spent: cents(9),
      lane: 7n,
      receipt,
    } as const
    expect(step(released, word, START, false)).toEqual({ row: kept, lane: { free: false } })
    const left = { to: 'left', delivered: true, recheckAt: START + 1, receipt } as const
    expect(step(released, left, START, false)).toEqual({ row: kept, lane: { free: false } })
    expect(step(row('released', { attempts: [] }), moves.delivered, START, false)).toBeUndefined()
  })

  it('believes the stronger word about money', () => {
    const chain = row('settled', { proof: 'chain', spent: cents(4), reference: '0x1' })
    const receipt = { success: true, claims: {} }
    const after = step(
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
    const said = step(row('committed'), { to: 'settled', proof: 'receipt', spent: cents(1) }, START, true)
    expect(said?.row.spent).toBeUndefined()
    const read =
      said && step(said.row, { to: 'settled', proof: 'chain', spent: cents(3), fee: cents(1) }, START, false)
    expect(read?.row).toMatchObject({ proof: 'chain', spent: cents(3), fee: cents(1) })
  })

  it('frees lanes at the end, with their next value', () => {
    expect(step(row('committed'), { ...moves.settled, lane: 5n }, START, true)?.lane).toEqual({
      free: true,
      value: 5n,
    })
    expect(step(row('held'), moves.released, START, true)?.lane).toEqual({ free: true })
    expect(step(row('committed'), moves.left, START, true)?.lane).toEqual({ free: false })
    expect(step(row('committed'), { ...moves.voided, lane: 6n }, START, true)?.lane).toEqual({
      free: false,
      value: 6n,
      proven: true,
    })
  })

  it('remembers the first report', () => {
    const once = step(row('committed'), moves.reported, START + 1, true)?.row
    expect(once && step(once, moves.reported, START + 9, true)?.row.reportedAt).toBe(START + 1)
    expect(step(row('settled', { delivered: true }), moves.reported, START, false)).toBeUndefined()
  })
})
