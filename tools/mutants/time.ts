import type { Mutant } from './list.js'

const CLOCKS = ['test/ledger/memory.test.ts', 'test/ledger/sqlite.test.ts', 'test/ledger/clocks.test.ts']

/** Clocks, and lengths of time. */
export const TIME: readonly Mutant[] = [
  {
    name: 'duration-fires-at-once',
    breaks: 'an option takes a length of time that no timer holds, and its timer fires at once',
    file: 'src/money/duration.ts',
    find: 'export const LONGEST_TIMER_MS = 2 ** 31 - 1',
    replace: 'export const LONGEST_TIMER_MS = 2 ** 53',
    tests: ['test/client/durations.test.ts'],
  },
  {
    name: 'facts-before-quotes',
    breaks: 'a quote that takes long makes its own decision stale, so that it never pays',
    file: 'src/pay/authorize/authorize.ts',
    find: "return { kind: dependsOnOtherPayment(candidate) ? 'stale' : 'judge' }",
    replace: "return { kind: 'stale' }",
    tests: ['test/pay/slow-quotes.test.ts'],
  },
  {
    name: 'slow-failure-tried-again',
    breaks: 'a wallet that fails slowly is tried again each time, and no other wallet is tried',
    file: 'src/pay/authorize/authorize.ts',
    find: 'this.#unusable.set(quote, reason)',
    replace: '',
    tests: ['test/pay/slow-quotes.test.ts'],
  },
  {
    name: 'window-opened-by-a-clock',
    breaks: 'a clock that jumped forward by itself resets budgets',
    file: 'src/ledger/counters.ts',
    find: '{ ...claim, from: reachOf(claim, unseen) }',
    replace: '{ ...claim, from: Math.max(claim.from, reachOf(claim, unseen)) }',
    tests: CLOCKS,
  },
  {
    name: 'window-opened-by-a-vendor',
    breaks: 'one server that agrees with a clock that is ahead resets budgets',
    file: 'src/ledger/clock-jumps.ts',
    find: "if (witnesses >= ENOUGH_WITNESSES) return 'vouched'",
    replace: "if (witnesses > 0) return 'vouched'",
    tests: CLOCKS,
  },
  {
    name: 'jump-at-a-start',
    breaks: 'a program that starts with a clock that is ahead pays, and takes the ledger along',
    file: 'src/ledger/clock-jumps.ts',
    find: "return opening || booted !== undefined ? 'ahead' : 'unvouched'",
    replace: "return booted !== undefined ? 'ahead' : 'slept'",
    tests: CLOCKS,
  },
  {
    name: 'sleep-is-a-jump',
    breaks: 'a host that slept does not continue until a person confirms its clock',
    file: 'src/ledger/clock-jumps.ts',
    find: "return 'slept'",
    replace: "return 'ahead'",
    tests: CLOCKS,
  },
  {
    name: 'future-stays-in-the-future',
    breaks: 'payments that were made while the clock was ahead do not count after its correction',
    file: 'src/ledger/lower-time.ts',
    find: 'counted: charge.counted.map((counted) => ({ ...counted, at: past(counted.at) })),',
    replace:
      'counted: charge.counted.map((counted) => ({ ...counted, at: past(counted.at) < counted.at ? 0 : counted.at })),',
    tests: CLOCKS,
  },
  {
    name: 'counter-of-the-future',
    breaks: 'a budget that was first asked for while the clock was ahead misses what was paid before',
    file: 'src/ledger/lower-time.ts',
    find: 'tables.setFill({ ...fill, from: 0, at: to, exact: true })',
    replace: 'tables.setFill(fill)',
    tests: CLOCKS,
  },
  {
    name: 'time-taken-back-by-one',
    breaks: 'another process writes the wrong time again after a person took it back',
    file: 'src/ledger/timekeeper.ts',
    find: 'if (this.#lowered !== stored.clock.lowered) this.#startOver(stored)',
    replace: 'if (this.#lowered === undefined) this.#startOver(stored)',
    tests: CLOCKS,
  },
  {
    name: 'signs-with-a-wrong-clock',
    breaks: 'a host whose clock is wrong signs without an error',
    file: 'src/pay/run-purchase.ts',
    find: '  noteServerTime(asked, env)\n',
    replace: '',
    tests: ['test/pay/clocks.test.ts'],
  },
  {
    name: 'one-domain-two-witnesses',
    breaks: 'a vendor with two names resets budgets with a clock that is ahead',
    file: 'src/pay/authorize/server-time.ts',
    find: "host.split('.').slice(-2).join('.')",
    replace: 'host',
    tests: ['test/pay/clocks.test.ts'],
  },
]
