import type { Mutant } from './list.js'

const TESTS = ['test/ledger/key-value.test.ts']

/** Faults in the ledger in a key-value store. */
export const KEY_VALUE: readonly Mutant[] = [
  {
    name: 'conflict-ignored',
    breaks: 'the ledger reports a step as stored although another process wrote first',
    file: 'src/ledger/key-value/runner.ts',
    find: 'if (!(await this.#asked(() => transaction.commit(changes, { durable })))) return false',
    replace: 'await this.#asked(() => transaction.commit(changes, { durable }))',
    tests: TESTS,
  },
  {
    name: 'rerun-on-own-changes',
    breaks: 'a step that runs a second time also counts the results of its first run',
    file: 'src/ledger/key-value/runner.ts',
    find: '        snapshot.discard()\n        if (!(error instanceof MissingReads))',
    replace: '        if (!(error instanceof MissingReads))',
    tests: TESTS,
  },
  {
    name: 'durable-if-all',
    breaks:
      'the ledger confirms a commit before it is on the disk if the transaction also contains a renewal',
    file: 'src/ledger/key-value/runner.ts',
    find: 'jobs.some((job) => job.durable)',
    replace: 'jobs.every((job) => job.durable)',
    tests: TESTS,
  },
  {
    name: 'keys-unescaped',
    breaks: 'two different keys of a caller become the same key in the store',
    file: 'src/ledger/key-value/keys.ts',
    find: '/[^!-z]|%/g',
    replace: '/%/g',
    tests: TESTS,
  },
  {
    name: 'partial-range-complete',
    breaks: 'the ledger takes the loaded start of a range for the whole range',
    file: 'src/ledger/key-value/entries.ts',
    find: 'return known.complete || beyond ? inside : undefined',
    replace: 'return inside',
    tests: TESTS,
  },
  {
    name: 'vanished-store-made-anew',
    breaks: 'Purser takes a ledger that vanished from its store for an empty ledger',
    file: 'src/ledger/key-value/counters.ts',
    find: "if (text === undefined) throw ledgerError('ledger_missing', 'The ledger has vanished from its store')",
    replace:
      "if (text === undefined) return { id: '', high: 0, clock: { unseen: [], lowered: 0 }, filled: 0, shapes: 0, gaps: [] }",
    tests: TESTS,
  },
]
