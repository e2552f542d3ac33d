import type { Mutant } from './list.js'

const CONTRACT = ['test/ledger/memory.test.ts']
const SQLITE = ['test/ledger/repeat.test.ts']
const PAY = ['test/pay/repeat.test.ts']
const POLICY = ['test/policy/repeat.test.ts']

/** Faults in the rules about repeated purchases. */
export const REPEATS: readonly Mutant[] = [
  {
    name: 'repeat-not-in-hold',
    breaks: 'two calls at once both buy a purchase that policy allows once',
    file: 'src/ledger/hold.ts',
    find: "if (hasOtherPurchase(tables, hold, now)) return { ok: false, why: 'stale' }",
    replace: '',
    tests: [...PAY, ...CONTRACT],
  },
  {
    name: 'repeat-from-settlement',
    breaks: 'a purchase does not count before it is committed',
    file: 'src/ledger/purchases.ts',
    find: "if (state === 'denied' || state === 'released' ||",
    replace: "if (state === 'denied' || state === 'released' || state === 'held' ||",
    tests: CONTRACT,
  },
  {
    name: 'repeat-of-released',
    breaks: 'a failed payment prevents a new one',
    file: 'src/ledger/purchases.ts',
    find: "if (state === 'denied' || state === 'released' ||",
    replace: "if (state === 'denied' ||",
    tests: CONTRACT,
  },
  {
    name: 'repeat-of-doubt',
    breaks: 'Purser refuses a retry as a repeat instead of continuing its payment',
    file: 'src/ledger/purchases.ts',
    find: 'return blocksRepeat(viewOf(tables, row, now), row, query, now)',
    replace: 'return false',
    tests: CONTRACT,
  },
  {
    name: 'repeat-key-ignored',
    breaks: 'Purser refuses a retry with the same key as a repeat',
    file: 'src/ledger/purchases.ts',
    find: 'if (query.key !== undefined) return row.key === query.key',
    replace: '',
    tests: [...PAY, ...CONTRACT],
  },
  {
    name: 'repeat-key-always-again',
    breaks: 'any idempotency key allows a second purchase of the same thing',
    file: 'src/policy/repeat.ts',
    find: 'return unlessKeyed !== true || keyed !== true',
    replace: 'return unlessKeyed === undefined ? keyed !== true : keyed !== true',
    tests: POLICY,
  },
  {
    name: 'repeat-of-document-only',
    breaks: 'Purser ignores the rule of a vendor',
    file: 'src/policy/repeat.ts',
    find: 'return own === undefined ? ofEntries :',
    replace: 'return own === undefined ? [] :',
    tests: POLICY,
  },
  {
    name: 'repeat-approval-of-any',
    breaks: 'an approval covers a purchase that was made while the person decided',
    file: 'src/pay/authorize/approve.ts',
    find: 'return !isNew && noWorse(',
    replace: 'return noWorse(',
    tests: PAY,
  },
  {
    name: 'repeat-past-not-listed',
    breaks: 'a new rule does not count earlier purchases',
    file: 'src/ledger/sqlite/payment-rows.ts',
    find: 'if (this.boughtAfter === undefined) this.boughtAfter = this.last()',
    replace: 'if (this.boughtAfter === undefined) this.boughtAfter = 0',
    tests: SQLITE,
  },
]
