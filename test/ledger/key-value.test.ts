import { expect, it } from 'vitest'
import { MissingReads, Snapshot } from '../../src/ledger/key-value/entries.js'
import { type LedgerStore, type StoreRead, storeLedger } from '../../src/ledger/key-value/index.js'
import { endOf, keyOf, prefixOf, rangeOf } from '../../src/ledger/key-value/keys.js'
import { ExampleStore, OptimisticStore } from './example-store.js'
import { committed, holdOf, settled, TestClock } from './fixtures.js'
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
