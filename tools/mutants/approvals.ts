import type { Mutant } from './list.js'

const REMEMBERED = ['test/pay/remembered.test.ts']
const QUESTIONS = ['test/pay/questions.test.ts']
const CONTRACT = ['test/ledger/memory.test.ts']

/** What a person answered, and what is remembered of it. */
export const APPROVALS: readonly Mutant[] = [
  {
    name: 'grant-counted-per-name',
    breaks: 'what a remembered approval counts starts anew under another document',
    file: 'src/policy/evaluate.ts',
    find: 'const scope = { grant: grant.id, unit: ground.unit }',
    replace: 'const scope = { policy: ground.policy, grant: grant.id, unit: ground.unit }',
    tests: REMEMBERED,
  },
  {
    name: 'grant-of-any-unit',
    breaks: 'an approval in dollars approves as many yen',
    file: 'src/policy/evaluate.ts',
    find: 'grant.unit === ground.unit &&',
    replace: "grant.unit !== '' &&",
    tests: REMEMBERED,
  },
  {
    name: 'unit-not-in-counter',
    breaks: 'what was spent in one unit counts as much in another',
    file: 'src/policy/claims.ts',
    find: "const scope = line.counts === 'payments' ? own : { ...own, unit: judged.ground.unit }",
    replace: 'const scope = own',
    tests: ['test/policy/counters.test.ts'],
  },
  {
    name: 'unit-not-in-scope',
    breaks: 'a counter of one unit is filled with payments in another',
    file: 'src/policy/scope.ts',
    find: '(unit === undefined || unit === dimensions.unit)',
    replace: "(unit === undefined || dimensions.unit !== '')",
    tests: ['test/policy/terms.test.ts', ...CONTRACT],
  },
  {
    name: 'price-of-any-unit',
    breaks: 'a usual price in one unit is read as one in another',
    file: 'src/ledger/memory-shelf.ts',
    find: 'return this.#prices.get(nameOf(vendor, operation, unit)) ?? new Map()',
    replace: "return this.#prices.get(nameOf(vendor, operation, unit && 'iso4217:USD')) ?? new Map()",
    tests: CONTRACT,
  },
  {
    name: 'revoked-after-the-hold',
    breaks: 'an approval that is revoked while the wallet signs lets the payment go on',
    file: 'src/ledger/ledger.ts',
    find: 'if (!stillGranted(shelf, row, now)) return no()',
    replace: '',
    tests: [...REMEMBERED, ...CONTRACT],
  },
  {
    name: 'worse-after-a-no',
    breaks: 'a cent more defeats a person’s no',
    file: 'src/policy/terms.ts',
    find: 'return noWorse(feeless(b), feeless(a))',
    replace: 'return noWorse(feeless(b), feeless(a)) && noWorse(feeless(a), feeless(b))',
    tests: ['test/policy/terms.test.ts'],
  },
  {
    name: 'question-not-shared',
    breaks: 'each of many equal calls asks a person',
    file: 'src/pay/questions.ts',
    find: 'other.agent === agent && other.fingerprint === fingerprint)',
    replace: 'other.agent === agent && other.fingerprint === fingerprint && open.length < 0)',
    tests: QUESTIONS,
  },
  {
    name: 'silence-asked-again',
    breaks: 'a question that nobody answers is asked again for each call that waits for it',
    file: 'src/pay/agree.ts',
    find: 'if (answered || !noBetter(terms, seat.question.terms))',
    replace: 'if (answered || noBetter(terms, seat.question.terms))',
    tests: QUESTIONS,
  },
  {
    name: 'questions-without-end',
    breaks: 'a vendor opens as many questions as it likes',
    file: 'src/pay/questions.ts',
    find: 'if (waiting.length < limit) return undefined',
    replace: 'if (waiting.length < limit * 10) return undefined',
    tests: QUESTIONS,
  },
  {
    name: 'questions-after-many-noes',
    breaks: 'a vendor that changes a little each time is asked about for ever',
    file: 'src/policy/evaluate.ts',
    find: 'if (facts.denials >= perVendor)',
    replace: 'if (facts.denials >= perVendor * 100)',
    tests: QUESTIONS,
  },
  {
    name: 'questions-hold-everything',
    breaks: 'questions hold a budget whole while they wait',
    file: 'src/pay/questions.ts',
    find: 'return together * 100n <= claim.limit * BigInt(percent)',
    replace: 'return together * 100n <= claim.limit * BigInt(percent + 100)',
    tests: QUESTIONS,
  },
  {
    name: 'uncounted-hold-committed',
    breaks: 'a payment that reserved nothing while a person thought is committed without counting',
    file: 'src/ledger/ledger.ts',
    find: 'if (row.charges.length === 0) return no()',
    replace: '',
    tests: CONTRACT,
  },
]
