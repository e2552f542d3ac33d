import type { Mutant } from './list.js'

/** Clocks, and lengths of time. */
export const TIME: readonly Mutant[] = [
  {
    name: 'duration-fires-at-once',
    breaks: 'an option takes a length of time that no timer holds, and its timer fires at once',
    file: 'src/money/duration.ts',
    find: 'export const LONGEST_TIMER_MS = 2 ** 31 - 1',
    replace: 'export const LONGEST_TIMER_MS = 2 ** 53',
    tests: ['test/purser/durations.test.ts'],
  },
  {
    name: 'facts-before-quotes',
    breaks: 'a quote that takes long makes its own decision stale, so that it never pays',
    file: 'src/pay/agree.ts',
    find: "return { kind: restsOnAnother(candidate) ? 'stale' : 'judge' }",
    replace: "return { kind: 'stale' }",
    tests: ['test/pay/slow-quotes.test.ts'],
  },
  {
    name: 'slow-failure-tried-again',
    breaks: 'a wallet that fails slowly is tried again each time, and no other gets its turn',
    file: 'src/pay/agree.ts',
    find: 'this.#unusable.set(quote, reason)',
    replace: '',
    tests: ['test/pay/slow-quotes.test.ts'],
  },
]
