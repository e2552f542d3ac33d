import { describe, expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/index.js'
import { META, newMeta } from '../../src/ledger/key-value/counters.js'
import { MissingReads, Snapshot } from '../../src/ledger/key-value/entries.js'
import type { StoreChange, StoreRange } from '../../src/ledger/key-value/index.js'
import { KeyValueTables } from '../../src/ledger/key-value/tables.js'
import { StoredLedger } from '../../src/ledger/ledger.js'
import { entriesOf } from './example-store.js'
import {
  type Buy,
  CENT,
  cents,
  committed,
  dayClaim,
  everClaim,
  holdOf,
  START,
  settled,
  TestClock,
  VENDOR,
} from './fixtures.js'

// A step of the ledger is a pure function: (stored entries, command, now) to (answer, changes), or to the reads that are
// still missing. Each row of these tables is one such step.

type Stored = ReadonlyMap<string, string>
type Command = (ledger: Ledger) => Promise<unknown>

/** What a step came to. */
interface Decided {
  readonly answer: unknown
  readonly changes: readonly StoreChange[]
}

const EMPTY: Stored = new Map([[META, newMeta('the ledger')]])
const SECOND = 1000

/** Runs a command on these entries at that moment. A read of anything else is missing. */
async function decide(stored: Stored, command: Command, after: number): Promise<Decided> {
  const clock = new TestClock()
  clock.pass(after)
  const snapshot = new Snapshot()
  const entries = [...stored].map(([key, value]) => ({ key, value })).sort((a, b) => (a.key < b.key ? -1 : 1))
  const whole = { from: '', to: '~', limit: entries.length + 1 }
  const ranges: readonly StoreRange[] = [
    { ...whole, order: 'ascending' },
    { ...whole, order: 'descending' },
  ]
  snapshot.add(ranges, [entries, [...entries].reverse()])
  return onSnapshot(snapshot, command, clock)
}

async function onSnapshot(snapshot: Snapshot, command: Command, clock: TestClock): Promise<Decided> {
  const tables = new KeyValueTables(snapshot)
  const ledger = new StoredLedger(
    { read: async (use) => use(tables), write: async (use) => use(tables), close: async () => undefined },
    clock,
  )
  // A mistake of the caller is an answer too.
  const answer = await command(ledger).catch((error: unknown) => {
    if (error instanceof TypeError) return error
    throw error
  })
  snapshot.keep()
  return { answer, changes: snapshot.changes() }
}

function applied(stored: Stored, changes: readonly StoreChange[]): Stored {
  const next = new Map(stored)
  for (const { key, value } of changes)
    if (value === undefined) next.delete(key)
    else next.set(key, value)
  return next
}

/** The entries after these commands, a second apart. */
async function storedBy(commands: readonly Command[]): Promise<Stored> {
  let stored = EMPTY
  for (const [index, command] of commands.entries())
    stored = applied(stored, (await decide(stored, command, index * SECOND)).changes)
  return stored
}

/** Names the changes: `+` for a new entry, `~` for another value, `-` for one that is deleted. Time is in each step. */
function named(stored: Stored, changes: readonly StoreChange[]): readonly string[] {
  const names = changes.flatMap(({ key, value }) => {
    const before = stored.get(key)
    const table = key.split('|')[0] ?? ''
    if (value === before || table === 'meta') return []
    return [`${before === undefined ? '+' : value === undefined ? '-' : '~'}${table}`]
  })
  return [...new Set(names)].sort()
}

const alive: Command = (ledger) => ledger.renew('me', 120 * SECOND)
const hold =
  (id: string, buy: Buy = {}): Command =>
  async (ledger) =>
    ledger.hold(await holdOf(ledger, id, { claims: [everClaim(10n * CENT, 25n * CENT)], ...buy }))
const commit =
  (id: string, signed?: bigint): Command =>
  (ledger) =>
    ledger.advance(id, committed({}, signed === undefined ? { pin: true } : { pin: true, signed }))
const settle =
  (id: string, spent?: number): Command =>
  (ledger) =>
    ledger.advance(id, spent === undefined ? settled : { ...settled, spent: cents(spent) })
const release =
  (id: string): Command =>
  (ledger) =>
    ledger.advance(id, { to: 'released', reason: 'the wallet failed' })
const deny =
  (id: string, standsMs?: number): Command =>
  async (ledger) =>
    ledger.deny(
      await holdOf(ledger, id, { fingerprint: 'f' }),
      standsMs === undefined ? { reason: 'no' } : { reason: 'no', standsMs },
    )
const grant =
  (until: number): Command =>
  (ledger) =>
    ledger.grant({
      id: 'g',
      agent: 'researcher',
      vendor: VENDOR,
      rail: 'tempo/charge@eip155:4217',
      by: 'ann',
      unit: 'iso4217:USD',
      until,
      upTo: 100n * CENT,
      total: 100n * CENT,
      payees: ['0xaaaa'],
    })
const freeze: Command = (ledger) => ledger.freeze('looking into it')
const retire: Command = (ledger) => ledger.retire('me')
const lane = (...names: string[]): Buy => ({ lane: { names, otherwise: 'wait' } })

interface Row {
  /** What the step shows, as a sentence. */
  readonly says: string
  /** The commands before it, a second apart. */
  readonly given: readonly Command[]
  readonly command: Command
  /** When it runs, in milliseconds after the first command. A minute unless given. */
  readonly after?: number
  /** What the answer contains. Absent if there is none. */
  readonly answer?: object
  readonly changes: readonly string[]
}

const HOLD: readonly Row[] = [
  {
    says: 'The first payment is held. Its counter and its shape begin.',
    given: [alive],
    command: hold('a'),
    after: 5 * SECOND,
    answer: { ok: true, payment: { id: 'a', state: 'held', live: true, units: 10n * CENT } },
    changes: ['+bucket', '+counter', '+due', '+held', '+id', '+payment', '+purchase', '+shapes', '+trait'],
  },
  {
    says: 'The next payment is added to the same counter.',
    given: [alive, hold('a')],
    command: hold('b'),
    after: 5 * SECOND,
    answer: { ok: true, payment: { id: 'b', state: 'held' } },
    changes: ['+due', '+held', '+id', '+payment', '+purchase', '~bucket'],
  },
  {
    says: 'A payment above the limit is refused, with what is left. Nothing changes.',
    given: [alive, hold('a'), hold('b')],
    command: hold('c'),
    after: 5 * SECOND,
    answer: { ok: false, why: 'short', short: [{ remaining: 5n * CENT }] },
    changes: [],
  },
  {
    says: 'A hold of a process that has ended is released to make room.',
    given: [alive, hold('a', { owner: 'gone' }), hold('b')],
    command: hold('c'),
    after: 5 * SECOND,
    answer: { ok: true, payment: { id: 'c' }, ended: [{ id: 'a', state: 'released' }] },
    changes: ['+due', '+held', '+id', '+payment', '+purchase', '-due', '-held', '-purchase', '~payment'],
  },
  {
    says: 'The same id again is held once.',
    given: [alive, hold('a')],
    command: hold('a'),
    after: 5 * SECOND,
    answer: { ok: true, payment: { id: 'a', state: 'held', units: 10n * CENT } },
    changes: ['+purchase', '-purchase', '~payment'],
  },
  {
    says: 'The same id for another request is a mistake of the caller.',
    given: [alive, hold('a')],
    command: hold('a', { fingerprint: 'other' }),
    answer: { name: 'TypeError' },
    changes: [],
  },
  {
    says: 'A key is taken by its settled payment.',
    given: [alive, hold('a', { key: 'k', fingerprint: 'f' }), commit('a'), settle('a')],
    command: hold('b', { key: 'k', fingerprint: 'f' }),
    answer: { ok: false, why: 'taken', by: { id: 'a', state: 'settled', delivered: true } },
    changes: [],
  },
  {
    says: 'A key that belongs to another request is a conflict.',
    given: [alive, hold('a', { key: 'k', fingerprint: 'f' })],
    command: hold('b', { key: 'k', fingerprint: 'g' }),
    answer: { ok: false, why: 'conflict', by: { id: 'a' } },
    changes: [],
  },
  {
    says: 'A key is free after its payment was released.',
    given: [alive, hold('a', { key: 'k' }), release('a')],
    command: hold('b', { key: 'k' }),
    answer: { ok: true, payment: { id: 'b' } },
    changes: ['+due', '+held', '+id', '+key', '+payment', '+purchase', '~bucket'],
  },
  {
    says: 'The same request without a key waits for the doubt before it.',
    given: [alive, hold('a', { fingerprint: 'f' }), commit('a'), retire],
    command: hold('b', { fingerprint: 'f' }),
    answer: { ok: false, why: 'taken', by: { id: 'a', state: 'committed', live: false } },
    changes: [],
  },
  {
    says: 'The same request may be bought again after it was delivered.',
    given: [alive, hold('a', { fingerprint: 'f' }), commit('a'), settle('a'), alive],
    command: hold('b', { fingerprint: 'f' }),
    answer: { ok: true, payment: { id: 'b' } },
    changes: ['+due', '+held', '+id', '+payment', '+purchase', '~bucket'],
  },
  {
    says: 'A decision that rests on other facts is judged again.',
    given: [alive],
    command: async (ledger) => {
      const { decision, ...rest } = await holdOf(ledger, 'a')
      return ledger.hold({ ...rest, decision: { ...decision, facts: decision.facts + 1 } })
    },
    answer: { ok: false, why: 'stale' },
    changes: [],
  },
  {
    says: 'A frozen ledger holds nothing.',
    given: [alive, freeze],
    command: hold('a'),
    answer: { ok: false, why: 'frozen', reason: 'looking into it' },
    changes: [],
  },
  {
    says: 'A payment gets the first lane that is free.',
    given: [alive, hold('a', lane('one', 'two'))],
    command: hold('b', lane('one', 'two')),
    after: 5 * SECOND,
    answer: { ok: true, lane: { name: 'two', value: 0n } },
    changes: ['+due', '+held', '+id', '+lane', '+payment', '+purchase', '~bucket'],
  },
  {
    says: 'A payment waits if every lane is busy.',
    given: [alive, hold('a', lane('one'))],
    command: hold('b', lane('one')),
    after: 5 * SECOND,
    answer: { ok: false, why: 'lane' },
    changes: [],
  },
  {
    says: 'A payment that waits for a person counts on no budget.',
    given: [alive],
    command: hold('a', { reserves: 'nothing' }),
    after: 5 * SECOND,
    answer: { ok: true, payment: { id: 'a', units: 0n } },
    changes: ['+due', '+held', '+id', '+payment', '+purchase', '+shapes'],
  },
]

const MOVES: readonly Row[] = [
  {
    says: 'A commit pins the payee, and changes no counter.',
    given: [alive, hold('a')],
    command: commit('a'),
    answer: { ok: true, was: 'held', payment: { state: 'committed', attempts: [{ challengeId: 'c1' }] } },
    changes: ['+due', '+pinned', '+pins', '+standing', '+version', '-due', '-held', '~payment'],
  },
  {
    says: 'A commit writes what was signed to its lane.',
    given: [alive, hold('a', lane('one'))],
    command: commit('a', 40n),
    answer: { ok: true, payment: { state: 'committed' } },
    changes: ['+due', '+pinned', '+pins', '+standing', '+version', '-due', '-held', '~lane', '~payment'],
  },
  {
    says: 'A commit of a payment that was released is refused.',
    given: [alive, hold('a'), release('a')],
    command: commit('a'),
    answer: { ok: false, was: 'released' },
    changes: [],
  },
  {
    says: 'A commit of a frozen ledger is refused.',
    given: [alive, hold('a'), freeze],
    command: commit('a'),
    answer: { ok: false, was: 'held' },
    changes: [],
  },
  {
    says: 'A commit to another payee than the pinned one is refused.',
    given: [alive, hold('a'), commit('a'), settle('a'), hold('b', { payee: '0xbbbb' })],
    command: (ledger) => ledger.advance('b', committed({ payee: '0xbbbb' }, { pin: true })),
    answer: { ok: false, was: 'held' },
    changes: [],
  },
  {
    says: 'A receipt settles the payment: its counter is spent, its vendor and its price are known.',
    given: [alive, hold('a'), commit('a')],
    command: settle('a'),
    answer: { ok: true, was: 'committed', payment: { state: 'settled', proof: 'receipt', delivered: true } },
    changes: [
      '+known',
      '+operations',
      '+prices',
      '+version',
      '-due',
      '-standing',
      '~bucket',
      '~payment',
      '~pins',
    ],
  },
  {
    says: 'A proof that less was taken gives the rest back.',
    given: [alive, hold('a'), commit('a')],
    command: (ledger) => ledger.advance('a', { to: 'settled', proof: 'chain', spent: cents(4) }),
    answer: { ok: true, payment: { state: 'settled', units: 4n * CENT } },
    changes: ['-due', '~bucket', '~payment'],
  },
  {
    says: 'A receipt that says less lowers nothing.',
    given: [alive, hold('a'), commit('a')],
    command: settle('a', 4),
    answer: { ok: true, payment: { state: 'settled', units: 10n * CENT } },
    changes: [
      '+known',
      '+operations',
      '+prices',
      '+version',
      '-due',
      '-standing',
      '~bucket',
      '~payment',
      '~pins',
    ],
  },
  {
    says: 'A hold cannot settle.',
    given: [alive, hold('a')],
    command: settle('a'),
    answer: { ok: false, was: 'held' },
    changes: [],
  },
  {
    says: 'A hold that is released gives its budget back.',
    given: [alive, hold('a')],
    command: release('a'),
    answer: { ok: true, was: 'held', payment: { state: 'released', units: 0n } },
    changes: ['-due', '-held', '-purchase', '~bucket', '~payment'],
  },
  {
    says: 'A committed payment is not released on the word of fewer attempts than it has.',
    given: [alive, hold('a'), commit('a')],
    command: (ledger) => ledger.advance('a', { to: 'released', reason: 'expired', attempts: 0 }),
    answer: { ok: false, was: 'committed' },
    changes: [],
  },
  {
    says: 'A payment that was released counts again if a proof shows that it was paid.',
    given: [
      alive,
      hold('a'),
      commit('a'),
      (ledger) => ledger.advance('a', { to: 'voided', attempt: 0, reason: 'expired' }),
      release('a'),
    ],
    command: (ledger) => ledger.advance('a', { to: 'settled', proof: 'chain', reference: '0x1' }),
    answer: { ok: true, was: 'released', payment: { state: 'settled', proof: 'chain', units: 10n * CENT } },
    changes: ['+purchase', '+standing', '~bucket', '~payment'],
  },
  {
    says: 'A payment that the ledger does not have is a mistake of the caller.',
    given: [alive],
    command: settle('nothing'),
    answer: { name: 'TypeError' },
    changes: [],
  },
]

const OTHERS: readonly Row[] = [
  {
    says: 'A refusal is recorded, and counts on no budget.',
    given: [alive],
    command: deny('a'),
    answer: { state: 'denied', reason: 'no', units: 0n },
    changes: ['+id', '+payment', '+refusal', '+refused'],
  },
  {
    says: 'The same refusal within a day is counted on the same record.',
    given: [alive, deny('a')],
    command: deny('b'),
    answer: { id: 'a', state: 'denied', times: 2 },
    changes: ['~payment'],
  },
  {
    says: "A person's denial stands.",
    given: [alive],
    command: deny('a', 60 * SECOND),
    answer: { state: 'denied' },
    changes: ['+denials', '+id', '+payment', '+refusal', '+refused', '+version'],
  },
  {
    says: 'A refusal of a held payment gives its budget back.',
    given: [alive, hold('a', { fingerprint: 'f' })],
    command: deny('a'),
    answer: { id: 'a', state: 'denied' },
    changes: ['+refusal', '+refused', '-due', '-held', '-purchase', '~bucket', '~payment'],
  },
  {
    says: 'A remembered approval changes the facts of its agent and vendor.',
    given: [],
    command: grant(START + 100 * SECOND),
    changes: ['+grant', '+grants', '+version'],
  },
  {
    says: 'A remembered approval is listed until it runs out.',
    given: [grant(START + 100 * SECOND)],
    command: (ledger) => ledger.grants(),
    after: 99 * SECOND,
    answer: [{ id: 'g' }],
    changes: [],
  },
  {
    says: 'A remembered approval that has run out is not listed.',
    given: [grant(START + 100 * SECOND)],
    command: (ledger) => ledger.grants(),
    after: 100 * SECOND,
    answer: [],
    changes: [],
  },
  {
    says: 'A remembered approval is taken back once.',
    given: [grant(START + 100 * SECOND)],
    command: async (ledger) => [await ledger.revoke('g'), await ledger.revoke('g')],
    answer: [true, false],
    changes: ['-grant', '-grants', '~version'],
  },
  {
    says: 'A day that is over leaves the whole limit.',
    given: [alive, hold('a', { claims: [dayClaim(START, 10n * CENT, 25n * CENT)] })],
    command: (ledger) => ledger.room([dayClaim(START + 86_400_000, 0n, 25n * CENT)]),
    after: 240 * SECOND,
    answer: [{ spent: 0n, held: 0n, remaining: 25n * CENT }],
    changes: [],
  },
  {
    says: 'A budget that is new counts the payments before it.',
    given: [alive, hold('a')],
    command: (ledger) => ledger.room([everClaim(0n, 25n * CENT, { agent: 'researcher' })]),
    answer: [{ spent: 0n, held: 10n * CENT, remaining: 15n * CENT }],
    changes: ['+bucket', '+counter', '~shapes'],
  },
  {
    says: 'A freeze is one value.',
    given: [],
    command: freeze,
    changes: [],
  },
]

describe.each([
  ['hold', HOLD],
  ['move', MOVES],
  ['refusals, approvals and limits', OTHERS],
])('%s', (_, rows) => {
  it.each(rows)('$says', async ({ given, command, after = 60 * SECOND, answer, changes }) => {
    const stored = await storedBy(given)
    const decided = await decide(stored, command, after)
    if (answer === undefined) expect(decided.answer).toBeUndefined()
    else expect(decided.answer).toMatchObject(answer)
    expect(named(stored, decided.changes)).toEqual(changes)

    // The same step on nothing: it names the reads that are missing until they are loaded, and then decides the same.
    const loaded = await loadedAndDecided(stored, command, after)
    expect(loaded).toEqual(decided)
  })
})

/** Loads what the step says is missing, and runs it again, until it decides. */
async function loadedAndDecided(stored: Stored, command: Command, after: number): Promise<Decided> {
  const snapshot = new Snapshot()
  for (let tries = 0; tries < 100; tries++) {
    const clock = new TestClock()
    clock.pass(after)
    try {
      return await onSnapshot(snapshot, command, clock)
    } catch (error) {
      snapshot.discard()
      if (!(error instanceof MissingReads)) throw error
      snapshot.add(
        error.reads,
        error.reads.map((read) => entriesOf(stored, read)),
      )
    }
  }
  throw new TypeError('The step asked for more and more')
}

it('names all reads of a step that it can know at once', async () => {
  const error = await onSnapshot(new Snapshot(), alive, new TestClock()).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ reads: [{ key: META }] })
})
