import type { Mutant } from './list.js'

const OUTSIDE = ['test/pay/outside-answers.test.ts']

/** Faults in what people are told. */
export const NOTIFY: readonly Mutant[] = [
  {
    name: 'question-told-again',
    breaks: 'a call that takes the place of one that left tells people about its question again',
    file: 'src/pay/transition.ts',
    find: 'if (asked.approval.id === input.id)',
    replace: "if (asked.kind === 'asked')",
    tests: OUTSIDE,
    named: 'the event of a question',
  },
  {
    name: 'doubt-not-told',
    breaks: 'people hear nothing of a payment in doubt',
    file: 'src/pay/deliver.ts',
    find: "if (error.funds === 'unknown') env.emitter",
    replace: "if (error.funds === 'held') env.emitter",
    tests: OUTSIDE,
    named: 'emits a doubt',
  },
]
