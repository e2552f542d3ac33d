import type { Mutant } from './list.js'

const RATES = ['test/money/rates.test.ts']
const RANK = ['test/pay/rank.test.ts']
const DISCOVER = ['test/client/discover.test.ts']

/** What amounts count for, which offer is paid, and what was advertised for it. */
export const CHOOSING: readonly Mutant[] = [
  {
    name: 'rate-by-symbol',
    breaks: 'a token that calls itself like a rated coin is worth as much',
    file: 'src/money/rates.ts',
    find: `(key.includes(':') || isFiat(key))`,
    replace: 'key !== undefined',
    tests: RATES,
  },
  {
    name: 'rate-rounds-the-limit-up',
    breaks: 'a limit allows more than its amount',
    file: 'src/money/rates.ts',
    find: 'BigInt(currency.decimals + RATE_DECIMALS - UNIT_DECIMALS)) / factor',
    replace: 'BigInt(currency.decimals + RATE_DECIMALS - UNIT_DECIMALS)) / factor + 1n',
    tests: RATES,
  },
  {
    name: 'rate-of-the-day',
    breaks: 'a payment settles at another rate than it was held at',
    file: 'src/policy/terms.ts',
    find: 'return agreed === undefined ? moved : amount(moved.value, agreed.currency)',
    replace: 'return agreed === undefined ? moved : amount(moved.value, moved.currency)',
    tests: ['test/ledger/rates.test.ts'],
  },
  {
    name: 'rate-not-stored',
    breaks: 'the ledger forgets the value of a payment',
    file: 'src/ledger/amounts.ts',
    find: 'rate === undefined ? [peg] : [peg, rate.most, rate.unit]',
    replace: 'rate === undefined ? [peg] : [peg]',
    tests: ['test/ledger/json.test.ts'],
  },
  {
    name: 'preference-upside-down',
    breaks: 'the least preferred offer is paid first',
    file: 'src/pay/authorize/rank.ts',
    find: '    -q,',
    replace: '    q,',
    tests: RANK,
  },
  {
    name: 'deposit-at-no-risk',
    breaks: 'of two offers at one price, the one that locks up more is paid',
    file: 'src/pay/authorize/rank.ts',
    find: 'atRisk: price + bound + deposit',
    replace: 'atRisk: price + bound',
    tests: RANK,
  },
  {
    name: 'close-at-any-price',
    breaks: 'an operation that returns money is signed although it costs a price that policy denies',
    file: 'src/pay/authorize/candidates.ts',
    find: 'return costsNoPrice ?',
    replace: "return decision.effect === 'deny' || costsNoPrice ?",
    tests: ['test/pay/operations.test.ts'],
  },
  {
    name: 'top-up-without-permission',
    breaks: 'a top-up is taken for an operation that returns money',
    file: 'src/pay/authorize/candidates.ts',
    find: "source.kind === 'operation' && source.operation.kind !== 'topUp'",
    replace: "source.kind === 'operation'",
    tests: ['test/pay/operations.test.ts'],
  },
  {
    name: 'approved-operation-quoted-as-an-offer',
    breaks: 'a top-up that a person approved is never made',
    file: 'src/pay/authorize/approve.ts',
    find: "if (purchase.kind === 'operation') return purchase",
    replace: "if (purchase.kind === 'operation') return { kind: 'offers', offers: [challenge] }",
    tests: ['test/pay/operations.test.ts'],
  },
  {
    name: 'ruled-out-is-paid',
    breaks: 'an offer of a kind that is ruled out is paid',
    file: 'src/pay/authorize/candidates.ts',
    find: 'likingOf(prefer, kind).q === 0',
    replace: 'likingOf(prefer, kind).q < 0',
    tests: ['test/pay/ranking.test.ts'],
  },
  {
    name: 'advertised-unheard',
    breaks: 'a 402 may ask for more than was advertised, and no person is asked',
    file: 'src/pay/authorize/candidates.ts',
    find: 'env.advertised?.(at, terms) ?? facts.advertised',
    replace: 'facts.advertised',
    tests: DISCOVER,
  },
  {
    name: 'advertised-for-others',
    breaks: 'a catalogue sets prices of another origin',
    file: 'src/protocol/discovery/x402.ts',
    find: 'url === undefined || url.origin !== origin',
    replace: 'url === undefined',
    tests: ['test/protocol/discovery.test.ts'],
  },
  {
    name: 'discovery-led-away',
    breaks: 'a discovery follows a redirect to another origin',
    file: 'src/client/document.ts',
    find: 'url.origin === from.origin && isConfidential(url)',
    replace: 'isConfidential(url)',
    tests: DISCOVER,
  },
]
