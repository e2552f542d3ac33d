import type { Mutant } from './list.js'

const FAULTS = ['test/testing/faults.test.ts']
const API = ['test/testing/paid-api.test.ts']
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
    find: "const wrong = this.#charges.has(key)\n      ? 'This payment has already been processed.'\n      : reference && network.refusal(reference, offer)",
    replace: 'const wrong: string | undefined = reference === offer.kind ? reference : undefined',
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
    find: 'if (spent + unitsOf(most) <= money) return quote',
    replace: 'if (spent >= 0n) return quote',
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
]
