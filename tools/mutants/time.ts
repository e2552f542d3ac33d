import type { Mutant } from './list.js'

const CLOCKS = ['test/ledger/memory.test.ts', 'test/ledger/sqlite.test.ts', 'test/ledger/clocks.test.ts']

/** Faults with clocks and durations. */
export const TIME: readonly Mutant[] = [
  {
    name: 'duration-fires-at-once',
    breaks: 'an option accepts a duration that is too long for a timer, so the timer fires at once',
    file: 'src/money/duration.ts',
    find: 'export const LONGEST_TIMER_MS = 2 ** 31 - 1',
    replace: 'export const LONGEST_TIMER_MS = 2 ** 53',
    tests: ['test/client/durations.test.ts'],
  },
  {
    name: 'facts-before-quotes',
    breaks: 'a slow quote makes its own decision outdated, so Purser never pays',
    file: 'src/pay/authorize/authorize.ts',
    find: "return { kind: dependsOnOtherPayment(candidate) ? 'stale' : 'judge' }",
    replace: "return { kind: 'stale' }",
    tests: ['test/pay/slow-quotes.test.ts'],
  },
  {
    name: 'slow-failure-tried-again',
    breaks: 'Purser tries a slowly failing wallet again each time and never tries another wallet',
    file: 'src/pay/authorize/authorize.ts',
    find: 'this.#unusable.set(quote, reason)',
    replace: '',
    tests: ['test/pay/slow-quotes.test.ts'],
  },
  {
    name: 'window-opened-by-a-clock',
    breaks: 'a clock that jumps forward by itself resets budgets',
    file: 'src/ledger/counters.ts',
    find: '{ ...claim, from: reachOf(claim, unseen) }',
    replace: '{ ...claim, from: Math.max(claim.from, reachOf(claim, unseen)) }',
    tests: CLOCKS,
  },
  {
    name: 'window-opened-by-a-vendor',
    breaks: 'budgets reset if a single server agrees with a clock that is ahead',
    file: 'src/ledger/clock-jumps.ts',
    find: "if (witnesses >= ENOUGH_WITNESSES) return 'vouched'",
    replace: "if (witnesses > 0) return 'vouched'",
    tests: CLOCKS,
  },
  {
    name: 'jump-at-a-start',
    breaks: "a program that starts with a clock that is ahead pays and moves the ledger's time ahead",
    file: 'src/ledger/clock-jumps.ts',
    find: "return opening || booted !== undefined ? 'ahead' : 'unvouched'",
    replace: "return booted !== undefined ? 'ahead' : 'slept'",
    tests: CLOCKS,
  },
  {
    name: 'sleep-is-a-jump',
    breaks: 'Purser pays nothing until a person confirms the clock if the host slept',
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
    breaks: 'a budget first used while the clock was ahead does not count earlier payments',
    file: 'src/ledger/lower-time.ts',
    find: 'tables.setFill({ ...fill, from: 0, at: to, exact: true })',
    replace: 'tables.setFill(fill)',
    tests: CLOCKS,
  },
  {
    name: 'time-taken-back-by-one',
    breaks: 'another process writes the wrong time again after a person corrected it',
    file: 'src/ledger/timekeeper.ts',
    find: 'if (this.#lowered !== stored.clock.lowered) this.#startOver(stored)',
    replace: 'if (this.#lowered === undefined) this.#startOver(stored)',
    tests: CLOCKS,
  },
  {
    name: 'signs-with-a-wrong-clock',
    breaks: "the wallet signs without an error although the host's clock is wrong",
    file: 'src/pay/run-purchase.ts',
    find: '  noteServerTime(asked, env)\n',
    replace: '',
    tests: ['test/pay/clocks.test.ts'],
  },
  {
    name: 'one-domain-two-witnesses',
    breaks: 'a vendor with two hostnames can reset budgets by agreeing with a clock that is ahead',
    file: 'src/pay/authorize/server-time.ts',
    find: "host.split('.').slice(-2).join('.')",
    replace: 'host',
    tests: ['test/pay/clocks.test.ts'],
  },
]
