import type { Mutant } from './list.js'

const SETTINGS = ['test/auto/settings.test.ts']
const PROGRAMS = ['test/auto/programs.test.ts']

const ALERTS = ['test/client/budget-alerts.test.ts']

/** Faults of the events at shares of budgets. */
const BUDGETS: readonly Mutant[] = [
  {
    name: 'alert-without-held',
    breaks: 'a share of a budget that is reached by held money is not reported',
    file: 'src/pay/authorize/alerts.ts',
    find: '(spent + held) * MILLION',
    replace: 'spent * MILLION',
    tests: ALERTS,
  },
  {
    name: 'alert-each-time',
    breaks: 'a reached share of a budget is reported again by each payment',
    file: 'src/pay/authorize/alerts.ts',
    find: 'const known = this.#reported.has(key)',
    replace: 'const known = key === undefined',
    tests: ALERTS,
  },
  {
    name: 'alert-once-for-ever',
    breaks: 'a share is not reported again in a new window of the budget',
    file: 'src/pay/authorize/alerts.ts',
    find: 'this.#reported.get(key) === claim.resetsAt && ',
    replace: '',
    tests: ALERTS,
  },
]

/** Faults of what other realms make, of closing, and of where a ledger lies. */
const REALMS: readonly Mutant[] = [
  {
    name: 'foreign-bytes-lost',
    breaks: 'bytes of another realm are no bytes: a body is not paid for, or its offers are not read',
    file: 'src/protocol/body.ts',
    find: "return value instanceof Uint8Array || (ArrayBuffer.isView(value) && tagOf(value) === '[object Uint8Array]')",
    replace: 'return value instanceof Uint8Array',
    tests: ['test/client/realms.test.ts'],
  },
  {
    name: 'foreign-document-refused',
    breaks: 'a policy that another realm made is refused',
    file: 'src/util/objects.ts',
    find: "return Object.hasOwn(value, 'hasOwnProperty') && Object.hasOwn(value, 'isPrototypeOf')",
    replace: 'return false',
    tests: ['test/client/realms.test.ts'],
  },
  {
    name: 'shared-ledger-closed-early',
    breaks: 'a purser that is closed closes the ledger of another one that has paid nothing yet',
    file: 'src/client/shared-ledgers.ts',
    find: 'if (others === 0)',
    replace: 'if (others <= 1)',
    tests: ['test/client/closing.test.ts'],
  },
  {
    name: 'lease-ended-by-confirmation',
    breaks:
      'the payments right after a person confirmed the clock are refused, since the lease of the process seems to have ended',
    file: 'src/client/purser.ts',
    find: '    lease.timeMoved()\n',
    replace: '',
    tests: ['test/client/clocks.test.ts'],
  },
  {
    name: 'network-drive-unsaid',
    breaks: 'a ledger on a network drive is opened without a warning',
    file: 'src/ledger/sqlite/open.ts',
    find: '    warnOfNetworkDrive(path)\n',
    replace: '',
    tests: ['test/ledger/drive.test.ts'],
  },
]

/** Faults of `purser/auto`: its settings, and what of a program it serves. */
export const AUTO: readonly Mutant[] = [
  ...BUDGETS,
  ...REALMS,
  {
    name: 'mistyped-setting-ignored',
    breaks: 'an unknown name in the file of settings is ignored',
    file: 'src/config/config.ts',
    find: '  if (unknown === undefined) return\n',
    replace: '  if (unknown !== undefined) return\n',
    tests: SETTINGS,
  },
  {
    name: 'key-in-settings',
    breaks: 'a key itself may stand in the file of settings',
    file: 'src/config/config.ts',
    find: '/^(?:0x)?[0-9a-f]{64}$/i.test(key)',
    replace: '/^(?:0x)?[0-9a-f]{99}$/i.test(key)',
    tests: SETTINGS,
  },
  {
    name: 'file-over-variable',
    breaks: 'the file of settings wins over a variable',
    file: 'src/config/environment.ts',
    find: 'if (variable !== undefined) return {',
    replace: 'if (variable !== undefined && configValue(file, at) === undefined) return {',
    tests: SETTINGS,
  },
  {
    name: 'fetch-met-twice',
    breaks: 'a call of fetch is paid by the interceptor beneath it, unseen by paymentFor',
    file: 'src/config/dispatcher.ts',
    find: 'live && !isOfFetch() ? paying',
    replace: 'live ? paying',
    tests: PROGRAMS,
  },
  {
    name: 'unpaid-unsaid',
    breaks: 'purser/auto does not say why a 402 is not paid',
    file: 'src/config/remarks.ts',
    find: "  purser.on('not_paid',",
    replace:
      "  purser.on('offer', () => undefined)\n  const unheard: Pick<Purser, 'on'> = { on: () => () => undefined }\n  unheard.on('not_paid',",
    tests: PROGRAMS,
  },
]
