import type { Mutant } from './list.js'

const SETTINGS = ['test/auto/settings.test.ts']
const PROGRAMS = ['test/auto/programs.test.ts']

const ALERTS = ['test/client/budget-alerts.test.ts']

/** Faults in the events that report a reached share of a budget. */
const BUDGETS: readonly Mutant[] = [
  {
    name: 'alert-without-held',
    breaks: 'Purser does not report a share of a budget if held money reaches it',
    file: 'src/pay/authorize/alerts.ts',
    find: '(spent + held) * MILLION',
    replace: 'spent * MILLION',
    tests: ALERTS,
  },
  {
    name: 'alert-each-time',
    breaks: 'Purser reports a reached share of a budget again with each payment',
    file: 'src/pay/authorize/alerts.ts',
    find: 'const known = this.#reported.has(key)',
    replace: 'const known = key === undefined',
    tests: ALERTS,
  },
  {
    name: 'alert-once-for-ever',
    breaks: 'Purser does not report a share again in a new window of the budget',
    file: 'src/pay/authorize/alerts.ts',
    find: 'this.#reported.get(key) === claim.resetsAt && ',
    replace: '',
    tests: ALERTS,
  },
]

/** Faults with objects from other realms, with closing, and with the location of a ledger. */
const REALMS: readonly Mutant[] = [
  {
    name: 'foreign-bytes-lost',
    breaks:
      'Purser does not recognize bytes of another realm, so it does not read offers or pay for the request',
    file: 'src/protocol/body.ts',
    find: "return value instanceof Uint8Array || (ArrayBuffer.isView(value) && tagOf(value) === '[object Uint8Array]')",
    replace: 'return value instanceof Uint8Array',
    tests: ['test/client/realms.test.ts'],
  },
  {
    name: 'foreign-document-refused',
    breaks: 'Purser refuses a policy object that another realm made',
    file: 'src/util/objects.ts',
    find: "return Object.hasOwn(value, 'hasOwnProperty') && Object.hasOwn(value, 'isPrototypeOf')",
    replace: 'return false',
    tests: ['test/client/realms.test.ts'],
  },
  {
    name: 'shared-ledger-closed-early',
    breaks: 'closing one purser also closes the ledger of another purser that has not paid yet',
    file: 'src/client/shared-ledgers.ts',
    find: 'if (others === 0)',
    replace: 'if (others <= 1)',
    tests: ['test/client/closing.test.ts'],
  },
  {
    name: 'lease-ended-by-confirmation',
    breaks:
      'Purser refuses payments right after a person confirmed the clock because its lease seems to have expired',
    file: 'src/client/purser.ts',
    find: '    lease.timeMoved()\n',
    replace: '',
    tests: ['test/client/clocks.test.ts'],
  },
  {
    name: 'network-drive-unsaid',
    breaks: 'Purser opens a ledger on a network drive without a warning',
    file: 'src/ledger/sqlite/open.ts',
    find: '    warnOfNetworkDrive(path)\n',
    replace: '',
    tests: ['test/ledger/drive.test.ts'],
  },
]

/** Faults in the settings of `purser/auto` and in its choice of calls to pay for. */
export const AUTO: readonly Mutant[] = [
  ...BUDGETS,
  ...REALMS,
  {
    name: 'mistyped-setting-ignored',
    breaks: 'Purser ignores an unknown name in the settings file',
    file: 'src/config/config.ts',
    find: '  if (unknown === undefined) return\n',
    replace: '  if (unknown !== undefined) return\n',
    tests: SETTINGS,
  },
  {
    name: 'key-in-settings',
    breaks: 'the settings file may contain a private key',
    file: 'src/config/config.ts',
    find: '/^(?:0x)?[0-9a-f]{64}$/i.test(key)',
    replace: '/^(?:0x)?[0-9a-f]{99}$/i.test(key)',
    tests: SETTINGS,
  },
  {
    name: 'file-over-variable',
    breaks: 'a value in the settings file overrides an environment variable',
    file: 'src/config/environment.ts',
    find: 'if (variable !== undefined) return {',
    replace: 'if (variable !== undefined && configValue(file, at) === undefined) return {',
    tests: SETTINGS,
  },
  {
    name: 'fetch-met-twice',
    breaks:
      'the undici interceptor under fetch pays for a call of fetch, so paymentFor does not find the payment',
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
