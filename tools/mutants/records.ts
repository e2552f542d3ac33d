import type { Mutant } from './list.js'

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
]
