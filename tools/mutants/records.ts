import type { Mutant } from './list.js'

const CONTRACT = ['test/ledger/memory.test.ts']
const AUTO = ['test/auto/start.test.ts']

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
  {
    name: 'key-left-in-proc',
    breaks: 'a key by value stays in /proc/self/environ',
    file: 'src/auto/erase.ts',
    find: 'writeSync(memory, Buffer.alloc(to - from), 0, to - from, start + from)',
    replace: 'writeSync(memory, Buffer.alloc(0), 0, 0, start + from)',
    tests: AUTO,
  },
  {
    name: 'key-above-untold',
    breaks: 'the process above shows the key, and nobody is told',
    file: 'src/auto/erase.ts',
    find: 'if (shows(process, name)) return process',
    replace: 'if (shows(process, name)) return undefined',
    tests: AUTO,
  },
  {
    name: 'child-dies-without-key',
    breaks: 'a child of a program with purser/auto ends at its start',
    file: 'src/auto/start.ts',
    find: "env['PURSER_KEY_TAKEN_BY'] = String(process.pid)",
    replace: '',
    tests: AUTO,
  },
  {
    name: 'open-key-file-unremarked',
    breaks: 'a key file that its group can read is not remarked on',
    file: 'src/auto/key.ts',
    find: 'const OTHERS = 0o077',
    replace: 'const OTHERS = 0o007',
    tests: ['test/auto/key.test.ts'],
  },
  {
    name: 'mistyped-variable-ignored',
    breaks: 'PURSER_TEMPO_ACOUNT pays from another account',
    file: 'src/auto/environment.ts',
    find: '  checkVariables(env)\n',
    replace: '',
    tests: ['test/auto/environment.test.ts'],
  },
]
