import type { Mutant } from './list.js'

const CONTRACT = ['test/ledger/memory.test.ts']

/** Records, names and pins. */
export const RECORDS: readonly Mutant[] = [
  {
    name: 'inherited-name-lost',
    breaks: 'a payee called __proto__ is lost when the ledger is read back',
    file: 'src/ledger/sqlite/json.ts',
    find: 'for (const key of Object.keys(value)) value[key] = unpack(value[key])',
    replace:
      "for (const key of Object.keys(value)) if (key === '__proto__') delete value[key]; else value[key] = unpack(value[key])",
    tests: ['test/ledger/inherited-names.test.ts'],
  },
  {
    name: 'inherited-header-believed',
    breaks: 'a header called constructor is sent with what every object inherits under that name',
    file: 'src/undici/request.ts',
    find: 'const copy: RequestHeaders = Object.create(null)',
    replace: 'const copy: RequestHeaders = {}',
    tests: ['test/undici/requests.test.ts'],
  },
  {
    name: 'doubt-pins',
    breaks: 'a payment in doubt holds its vendor to a payee whom nothing was delivered for',
    file: 'src/ledger/facts.ts',
    find: 'return payment === undefined || (row !== undefined && isLive(shelf, row, now))',
    replace: 'return payment === undefined || row !== undefined',
    tests: CONTRACT,
  },
  {
    name: 'two-sets-pinned',
    breaks: 'two payments at once on first use pin two payees',
    file: 'src/ledger/pins.ts',
    find: 'if (confirmed.length > 0 && added.length > 0 && !widened) return others',
    replace: 'if (confirmed.length > 0 && added.length > 99 && !widened) return others',
    tests: CONTRACT,
  },
  {
    name: 'void-attempt-pins',
    breaks: 'an attempt that is proven void pins its payees',
    file: 'src/ledger/facts.ts',
    find: '.filter((attempt) => attempt.void === undefined)',
    replace: ".filter((attempt) => attempt.void !== '')",
    tests: CONTRACT,
  },
  {
    name: 'changed-payee-untold',
    breaks: 'a vendor asks for its money elsewhere, and no event says so',
    file: 'src/pay/agree.ts',
    find: "rule === 'payees.pinned' || rule === 'ask.newPayee'",
    replace: "rule === 'payees.pinned'",
    tests: ['test/pay/pins.test.ts'],
  },
]
