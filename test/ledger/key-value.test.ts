import { expect, it } from 'vitest'
import type { Channel, PaymentQuery } from '../../src/ledger/index.js'
import { MissingReads, Snapshot } from '../../src/ledger/key-value/entries.js'
import {
  type LedgerStore,
  type StoreEntry,
  type StoreRead,
  storeLedger,
} from '../../src/ledger/key-value/index.js'
import { endOf, keyOf, prefixOf, rangeOf } from '../../src/ledger/key-value/keys.js'
import { ExampleStore, OptimisticStore } from './example-store.js'
import { cents, committed, holdOf, settled, TestClock } from './fixtures.js'
import { ledgerStoreContract } from './testing.js'

/** Stores by the names of their databases. */
function databases<S extends LedgerStore>(make: () => S): (name: string) => S {
  const stores = new Map<string, S>()
  return (name) => {
    const store = stores.get(name) ?? make()
    stores.set(name, store)
    return store
  }
}

ledgerStoreContract(
  'a store that locks',
  databases(() => new ExampleStore()),
)
ledgerStoreContract(
  'a store that notices conflicts',
  databases(() => new OptimisticStore()),
)

/** Counts the round trips to a store. */
class CountingStore implements LedgerStore {
  trips: (readonly StoreRead[] | 'commit')[] = []
  readonly #store = new ExampleStore()

  async begin(kind: 'read' | 'write', reads: readonly StoreRead[]) {
    this.trips.push(reads)
    const { transaction, found } = await this.#store.begin(kind, reads)
    const counted: typeof transaction = {
      load: (more) => {
        this.trips.push(more)
        return transaction.load(more)
      },
      commit: (changes, options) => {
        this.trips.push('commit')
        return transaction.commit(changes, options)
      },
      rollback: () => transaction.rollback(),
    }
    return { transaction: counted, found }
  }

  async close(): Promise<void> {}
}

it('takes two round trips for each step of a payment, and one for a read', async () => {
  const clock = new TestClock()
  const store = new CountingStore()
  const ledger = storeLedger(store, { clock })
  await ledger.renew('me', 60_000)
  const tripsOf = async (step: () => Promise<unknown>): Promise<number> => {
    store.trips = []
    await step()
    return store.trips.length
  }
  for (const id of ['first', 'second', 'third']) {
    clock.pass(1000)
    expect(await tripsOf(() => holdOf(ledger, id))).toBe(1)
    const hold = await holdOf(ledger, id)
    expect(await tripsOf(() => ledger.hold(hold))).toBe(2)
    expect(await tripsOf(() => ledger.advance(id, committed({}, { pin: true })))).toBe(2)
    expect(await tripsOf(() => ledger.advance(id, settled))).toBe(2)
    expect(await tripsOf(() => ledger.get(id))).toBe(1)
    expect(await tripsOf(() => ledger.room(hold.decision.claims))).toBe(1)
  }
})

/** Counts the entries that a store is read for. */
function readsOf(inner: LedgerStore): { readonly store: LedgerStore; readonly read: () => number } {
  let read = 0
  const counted = (found: readonly (readonly StoreEntry[])[]): readonly (readonly StoreEntry[])[] => {
    for (const entries of found) read += entries.length
    return found
  }
  const store: LedgerStore = {
    begin: async (kind, reads) => {
      const { transaction, found } = await inner.begin(kind, reads)
      return {
        transaction: { ...transaction, load: async (more) => counted(await transaction.load(more)) },
        found: counted(found),
      }
    },
    close: () => inner.close(),
  }
  return {
    store,
    read: () => {
      const before = read
      read = 0
      return before
    },
  }
}

const channelOf = (slot: string, lane: string, state: Channel['state']): Channel => ({
  lane,
  slot,
  wallet: 'tempo:1',
  vendor: `https://${slot}.example`,
  address: `https://${slot}.example/`,
  state,
  deposit: cents(10),
  funding: [],
  detail: null,
  rev: 0,
})

it('reads no closed channel of another slot, and finds all of them', async () => {
  const { store, read } = readsOf(new ExampleStore())
  const ledger = storeLedger(store, { clock: new TestClock() })
  for (let n = 0; n < 50; n++) {
    await ledger.putChannel(channelOf(`old${n}`, `lane${n}`, 'open'))
    const [stored] = await ledger.channels({ slot: `old${n}` })
    if (stored !== undefined) await ledger.putChannel({ ...stored, state: 'closed' })
  }
  await ledger.putChannel(channelOf('new', 'first', 'open'))
  await ledger.putChannel(channelOf('new', 'second', 'opening'))
  read()
  expect((await ledger.channels({ slot: 'new' })).map(({ lane }) => lane)).toEqual(['first', 'second'])
  expect((await ledger.channels({ state: 'open' })).map(({ lane }) => lane)).toEqual(['first'])
  expect(read()).toBeLessThan(20)
  expect(await ledger.channels({ state: 'closed' })).toHaveLength(50)
  const all = await ledger.channels({})
  expect(all.map(({ slot }) => slot)).toEqual([
    ...Array.from({ length: 50 }, (_, n) => `old${n}`),
    'new',
    'new',
  ])
  expect(await ledger.putChannel(channelOf('new', 'first', 'closed'))).toBe(false)
})

it('finds payments in doubt, holds and refusals without a look at the settled ones', async () => {
  const { store, read } = readsOf(new ExampleStore())
  const clock = new TestClock()
  const ledger = storeLedger(store, { clock })
  await ledger.renew('me', 60_000)
  for (let n = 0; n < 60; n++) {
    await ledger.hold(await holdOf(ledger, `p${n}`))
    if (n % 20 === 0) continue
    await ledger.advance(`p${n}`, committed())
    if (n % 20 === 1) continue
    await ledger.advance(`p${n}`, settled)
  }
  for (let n = 0; n < 5; n++) await ledger.deny(await holdOf(ledger, `d${n}`), { reason: 'no' })
  const idsOf = async (query: PaymentQuery): Promise<string[]> => {
    const ids: string[] = []
    for await (const { id } of ledger.find(query)) ids.push(id)
    return ids
  }
  read()
  expect(await idsOf({ states: ['committed'] })).toEqual(['p41', 'p21', 'p1'])
  expect(await idsOf({ states: ['held', 'committed'], order: 'oldest' })).toEqual([
    ...['p0', 'p1', 'p20', 'p21', 'p40', 'p41'],
  ])
  expect(await idsOf({ states: ['denied', 'held'], limit: 6 })).toEqual(['d4', 'd3', 'd2', 'd1', 'd0', 'p40'])
  expect(read()).toBeLessThan(60)
  expect(await idsOf({ states: ['committed'], vendor: 'https://other.example' })).toEqual([])
  expect(await idsOf({ states: [] })).toEqual([])
  expect(await idsOf({ states: ['settled'] })).toHaveLength(54)
})

it('lets steps that are asked for at once share one transaction, and fails only the one that fails', async () => {
  const clock = new TestClock()
  const store = new CountingStore()
  const ledger = storeLedger(store, { clock })
  await ledger.renew('me', 60_000)
  const holds = await Promise.all(['a', 'b', 'c'].map((id) => holdOf(ledger, id)))
  store.trips = []
  const results = await Promise.allSettled([
    ...holds.map((hold) => ledger.hold(hold)),
    ledger.advance('nobody', settled),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
  expect(store.trips.filter((trip) => trip === 'commit')).toHaveLength(1)
  expect(await ledger.get('nobody')).toBeUndefined()
  expect(await ledger.get('c')).toMatchObject({ state: 'held' })
})

it('writes nothing if the store fails, and goes on when it works again', async () => {
  const clock = new TestClock()
  let failing = false
  const inner = new ExampleStore()
  const ledger = storeLedger(
    {
      begin: async (kind, reads) => {
        if (failing) throw new Error('connection lost')
        return inner.begin(kind, reads)
      },
      close: () => inner.close(),
    },
    { clock },
  )
  await ledger.renew('me', 60_000)
  const hold = await holdOf(ledger, 'a')
  failing = true
  await expect(ledger.hold(hold)).rejects.toMatchObject({ code: 'ledger_failed', funds: 'untouched' })
  failing = false
  expect(await ledger.get('a')).toBeUndefined()
  expect(await ledger.hold(hold)).toMatchObject({ ok: true })
})

it('says that the ledger is missing if it vanishes from its store', async () => {
  const store = new ExampleStore()
  const ledger = storeLedger(store, { clock: new TestClock() })
  await ledger.renew('me', 60_000)
  store.empty()
  await expect(ledger.frozen()).rejects.toMatchObject({ code: 'ledger_missing' })
  await expect(ledger.renew('me', 60_000)).rejects.toMatchObject({ code: 'ledger_missing' })
})

it('gives up if other processes are always faster', async () => {
  const inner = new ExampleStore()
  const first = storeLedger(inner, { clock: new TestClock() })
  await first.renew('me', 60_000)
  const ledger = storeLedger(
    {
      begin: async (kind, reads) => {
        const { transaction, found } = await inner.begin(kind, reads)
        const commit = async (): Promise<boolean> => {
          await transaction.rollback()
          return false
        }
        return { transaction: { ...transaction, commit }, found }
      },
      close: () => inner.close(),
    },
    { clock: new TestClock(), busyTimeoutMs: 20 },
  )
  await expect(ledger.renew('you', 60_000)).rejects.toMatchObject({ code: 'ledger_busy' })
})

it('asks for a durable commit if one of the steps that share it must be durable', async () => {
  const clock = new TestClock()
  const inner = new ExampleStore()
  const durable: boolean[] = []
  const ledger = storeLedger(
    {
      begin: async (kind, reads) => {
        const { transaction, found } = await inner.begin(kind, reads)
        const commit: typeof transaction.commit = (changes, options) => {
          durable.push(options.durable)
          return transaction.commit(changes, options)
        }
        return { transaction: { ...transaction, commit }, found }
      },
      close: () => inner.close(),
    },
    { clock },
  )
  await ledger.renew('me', 60_000)
  await Promise.all([ledger.renew('me', 60_000), ledger.freeze('stop'), ledger.renew('me', 60_000)])
  expect(durable).toEqual([true, false, true])
})

it('keeps keys of several parts apart, and numbers in their order', () => {
  expect(keyOf('a', 'b|c')).not.toBe(keyOf('a', 'b', 'c'))
  expect(keyOf('a', '%007c')).not.toBe(keyOf('a', '|'))
  expect(keyOf('a', 'ä\u0000\ud800 {}')).toMatch(/^[!-~]+$/)
  expect(keyOf('a', 9) < keyOf('a', 10)).toBe(true)
  expect(keyOf('a', 'b', 1) < endOf(prefixOf('a', 'b'))).toBe(true)
  expect(keyOf('a', 'bc', 1) < prefixOf('a', 'b') || keyOf('a', 'bc', 1) >= endOf(prefixOf('a', 'b'))).toBe(
    true,
  )
})

it('takes a range of which only a part is loaded for unknown beyond that part', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ key: keyOf('t', name), value: name }))
  const two = rangeOf(prefixOf('t'), 2)
  const snapshot = new Snapshot()
  snapshot.add([two], [[a, b].flatMap((entry) => entry ?? [])])
  expect(snapshot.range({ ...two, limit: 1 })).toEqual([a])
  expect(snapshot.range(two)).toEqual([a, b])
  expect(snapshot.get(keyOf('t', 'b'))).toBe('b')
  expect(() => snapshot.get(keyOf('t', 'c'))).toThrow(MissingReads)
  expect(() => snapshot.range({ ...two, limit: 3 })).toThrow(MissingReads)
  snapshot.add([{ ...two, limit: 9 }], [[a, b, c].flatMap((entry) => entry ?? [])])
  expect(snapshot.range({ ...two, limit: 9 })).toEqual([a, b, c])
  snapshot.set(keyOf('t', 'a'), undefined)
  expect(snapshot.range(two)).toEqual([b, c])
  snapshot.discard()
  expect(snapshot.range(two)).toEqual([a, b])
  expect(snapshot.changes()).toEqual([])
})
