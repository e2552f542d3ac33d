import type { Mutant } from './list.js'

const TESTS = ['test/ledger/key-value.test.ts']

/** A ledger in a store of keys and values. */
export const KEY_VALUE: readonly Mutant[] = [
  {
    name: 'conflict-ignored',
    breaks: 'a step that another process overtook is answered as if it were stored',
    file: 'src/ledger/key-value/runner.ts',
    find: 'if (!(await this.#asked(() => transaction.commit(changes, { durable })))) return false',
    replace: 'await this.#asked(() => transaction.commit(changes, { durable }))',
    tests: TESTS,
  },
  {
    name: 'rerun-on-own-changes',
    breaks: 'a step that runs again counts what its first run has counted',
    file: 'src/ledger/key-value/runner.ts',
    find: '        snapshot.discard()\n        if (!(error instanceof MissingReads))',
    replace: '        if (!(error instanceof MissingReads))',
    tests: TESTS,
  },
  {
    name: 'durable-if-all',
    breaks: 'a commit that shares its transaction with a renewal is not on the disk when it is answered',
    file: 'src/ledger/key-value/runner.ts',
    find: 'jobs.some((job) => job.durable)',
    replace: 'jobs.every((job) => job.durable)',
    tests: TESTS,
  },
  {
    name: 'keys-unescaped',
    breaks: 'two different keys of a caller are one key of the store',
    file: 'src/ledger/key-value/keys.ts',
    find: '/[^!-z]|%/g',
    replace: '/%/g',
    tests: TESTS,
  },
  {
    name: 'partial-range-complete',
    breaks: 'the loaded beginning of a range is taken for the whole range',
    file: 'src/ledger/key-value/entries.ts',
    find: 'return known.complete || beyond ? inside : undefined',
    replace: 'return inside',
    tests: TESTS,
  },
  {
    name: 'vanished-store-made-anew',
    breaks: 'a ledger that vanished from its store is taken for an empty one',
    file: 'src/ledger/key-value/counters.ts',
    find: "if (text === undefined) throw ledgerError('ledger_missing', 'The ledger has vanished from its store')",
    replace:
      "if (text === undefined) return { id: '', high: 0, clock: { unseen: [], lowered: 0 }, filled: 0, shapes: 0, gaps: [] }",
    tests: TESTS,
  },
]
