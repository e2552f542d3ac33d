import type { Mutant } from './list.js'

const FAULTS = ['test/testing/faults.test.ts']
const API = ['test/testing/paid-api.test.ts']
const SESSIONS = ['test/testing/sessions.test.ts']
const PURSER = ['test/testing/test-purser.test.ts']

/** Faults in the test kit that make a test of an agent pass or fail for the wrong reason. */
export const TESTING: readonly Mutant[] = [
  {
    name: 'retry-after-by-another-clock',
    breaks: "Purser counts a Retry-After by the host's clock instead of its own clock",
    file: 'src/client/options.ts',
    find: '...(clock === undefined ? {} : { now: () => clock.now() }),',
    replace: '',
    tests: FAULTS,
  },
  {
    name: 'kit-takes-both-credentials',
    breaks: 'a vendor can charge a test wallet for two credentials of one payment',
    file: 'src/testing/wallet.ts',
    find: 'slot: quote.replaces?.name ?? id,',
    replace: 'slot: id,',
    tests: FAULTS,
  },
  {
    name: 'kit-takes-a-replay',
    breaks: 'the test server accepts a credential a second time',
    file: 'src/testing/server.ts',
    find: 'const wrong = whyNot(presented) ?? (this.#charges.has(key) ? TAKEN_BEFORE : undefined)',
    replace: 'const wrong: Refused | undefined = undefined',
    tests: API,
  },
  {
    name: 'kit-tool-without-receipt',
    breaks: 'a paid tool of the testing kit gives no receipt',
    file: 'src/testing/tool-connection.ts',
    find: "[META.receipt, headers.get('payment-receipt')]",
    replace: "[META.receipt, headers.get('payment-receipts')]",
    tests: ['test/testing/paid-tools.test.ts'],
  },
  {
    name: 'kit-takes-a-changed-challenge',
    breaks: 'the test server accepts a credential for a changed challenge',
    file: 'src/testing/challenges.ts',
    find: 'arrived.challenge[name] === value',
    replace: "arrived.challenge[name] !== ''",
    tests: API,
  },
  {
    name: 'kit-clock-without-the-host',
    breaks: 'Purser takes a test clock that moves for a clock that somebody set',
    file: 'src/testing/clock.ts',
    find: 'monotonic: () => passed,',
    replace: 'monotonic: () => 0,',
    tests: PURSER,
  },
  {
    name: 'kit-wallet-never-poor',
    breaks: 'a test wallet pays more than its balance',
    file: 'src/testing/wallet.ts',
    find: 'spent + unitsOf(needs) <= money',
    replace: 'spent >= 0n',
    tests: PURSER,
  },
  {
    name: 'kit-doubt-counted-as-paid',
    breaks: 'a test sees a payment in doubt as paid',
    file: 'src/testing/test-purser.ts',
    find: "sum(query, ['settled'])",
    replace: "sum(query, ['settled', 'committed'])",
    tests: FAULTS,
  },
  {
    name: 'kit-voucher-taken-twice',
    breaks: 'the test server delivers twice for one voucher',
    file: 'src/testing/channels.ts',
    find: "return total < channel.accepted + price.value ? 'used' : undefined",
    replace: 'return undefined',
    tests: SESSIONS,
  },
  {
    name: 'kit-stream-for-one-price',
    breaks: 'a stream of a session costs one price, however many events it has',
    file: 'src/testing/server.ts',
    find: 'BigInt(event + 1)',
    replace: 'BigInt(event >= 0)',
    tests: SESSIONS,
  },
]
