import type { Mutant } from './list.js'

const FAULTS = ['test/testing/faults.test.ts']
const API = ['test/testing/paid-api.test.ts']
const SESSIONS = ['test/testing/sessions.test.ts']
const PURSER = ['test/testing/test-purser.test.ts']

/** Faults of the kit for tests: with them, a test of an agent would pass or fail for the wrong reason. */
export const TESTING: readonly Mutant[] = [
  {
    name: 'retry-after-by-another-clock',
    breaks: 'a Retry-After is counted from the clock of the host, and not from the clock of the purser',
    file: 'src/client/options.ts',
    find: '...(clock === undefined ? {} : { now: () => clock.now() }),',
    replace: '',
    tests: FAULTS,
  },
  {
    name: 'kit-takes-both-credentials',
    breaks: 'two credentials of one payment can both be taken from a test wallet',
    file: 'src/testing/wallet.ts',
    find: 'slot: quote.replaces?.name ?? id,',
    replace: 'slot: id,',
    tests: FAULTS,
  },
  {
    name: 'kit-takes-a-replay',
    breaks: 'the test server takes a credential a second time',
    file: 'src/testing/server.ts',
    find: 'const wrong = whyNot(presented) ?? (this.#charges.has(key) ? TAKEN_BEFORE : undefined)',
    replace: 'const wrong: Refused | undefined = undefined',
    tests: API,
  },
  {
    name: 'kit-takes-a-changed-challenge',
    breaks: 'the test server takes a credential for a challenge that was changed',
    file: 'src/testing/challenges.ts',
    find: 'arrived.challenge[name] === value',
    replace: "arrived.challenge[name] !== ''",
    tests: API,
  },
  {
    name: 'kit-clock-without-the-host',
    breaks: 'a test clock that moves looks like a clock that somebody set',
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
    breaks: 'a test reads a payment in doubt as paid',
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
