import type { Mutant } from './list.js'

const CONTRACT = ['test/ledger/memory.test.ts']
const SQLITE = ['test/ledger/sqlite.test.ts']

/** Faults in the records of refusals. */
export const REFUSALS: readonly Mutant[] = [
  {
    name: 'refusals-not-folded',
    breaks: 'the ledger adds one more record for each equal refusal',
    file: 'src/ledger/refusals.ts',
    find: '.find((row) => isAlike(row, refusal))',
    replace: '.find((row) => isAlike(row, refusal) && row.id === refusal.id)',
    tests: CONTRACT,
  },
  {
    name: 'refusals-folded-by-agent',
    breaks: 'a refusal by other rules counts on the record of the first refusal',
    file: 'src/ledger/refusals.ts',
    find: 'rulesOf(a) === rulesOf(b)',
    replace: 'rulesOf(a).length > 0',
    tests: CONTRACT,
  },
  {
    name: 'refusals-folded-over-tasks',
    breaks: 'a refusal in one task counts on the record of another task',
    file: 'src/ledger/refusals.ts',
    find: 'JSON.stringify(a.context) === JSON.stringify(b.context)',
    replace: 'a.context.agent === b.context.agent',
    tests: CONTRACT,
  },
  {
    name: 'refusals-folded-for-ever',
    breaks: 'a refusal counts on a record that is older than a day',
    file: 'src/ledger/refusals.ts',
    find: 'now - FOLD_MS, ',
    replace: '0, ',
    tests: CONTRACT,
  },
  {
    name: 'refusal-of-any-length',
    breaks: 'the server chooses how long the reasons of a recorded refusal are',
    file: 'src/ledger/refusals.ts',
    find: 'bounded[name] = clean(text, MOST_TEXT)',
    replace: 'bounded[name] = text',
    tests: CONTRACT,
  },
  {
    name: 'earlier-payment-not-recorded',
    breaks: 'a recorded refusal does not name the earlier payment that caused it',
    file: 'src/ledger/refusals.ts',
    find: 'Reason[Name] } = own(reason)',
    replace: 'Reason[Name] } = own({ rule: reason.rule, message: reason.message })',
    tests: CONTRACT,
  },
  {
    name: 'refusal-to-any-payees',
    breaks: 'the server chooses how many payees a recorded refusal has',
    file: 'src/ledger/refusals.ts',
    find: 'payees: terms.payees.slice(0, MOST_PAYEES)',
    replace: 'payees: terms.payees',
    tests: CONTRACT,
  },
  {
    name: 'refusals-kept-for-ever',
    breaks: 'the ledger never deletes records of refusals',
    file: 'src/ledger/refusals.ts',
    find: 'before: now - KEPT_MS',
    replace: 'before: 0',
    tests: CONTRACT,
  },
  {
    name: 'dropped-refusal-ends-the-list',
    breaks: 'the ledger does not find the payments that come after a deleted refusal',
    file: 'src/ledger/memory-tables.ts',
    find: 'if (at < 1 || at > this.last()) return own({ rows })',
    replace: 'if (this.#rows.at(at) === undefined) return own({ rows })',
    tests: CONTRACT,
  },
  {
    name: 'dropped-refusal-stays-known',
    breaks: 'a process continues to use a record that it has deleted',
    file: 'src/ledger/sqlite/payment-rows.ts',
    find: '    this.#known.delete(id)\n',
    replace: '',
    tests: SQLITE,
  },
]
