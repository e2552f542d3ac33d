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
]
