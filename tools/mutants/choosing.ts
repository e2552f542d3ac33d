import type { Mutant } from './list.js'

const RATES = ['test/money/rates.test.ts']
const RANK = ['test/pay/rank.test.ts']
const DISCOVER = ['test/client/discover.test.ts']

/** Faults in the value of amounts, in the choice of an offer, and in advertised prices. */
export const CHOOSING: readonly Mutant[] = [
  {
    name: 'rate-by-symbol',
    breaks: 'a token with the same name as a rated coin gets the value of that coin',
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
    breaks: 'a payment settles at a different rate than the one it was held at',
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
    breaks: 'Purser chooses the offer that locks up more money if two offers have the same price',
    file: 'src/pay/authorize/rank.ts',
    find: 'atRisk: price + bound + deposit',
    replace: 'atRisk: price + bound',
    tests: RANK,
  },
  {
    name: 'close-at-any-price',
    breaks: 'the wallet signs an operation that returns money although policy denies its price',
    file: 'src/pay/authorize/candidates.ts',
    find: 'return costsNoPrice ?',
    replace: "return decision.effect === 'deny' || costsNoPrice ?",
    tests: ['test/pay/operations.test.ts'],
  },
  {
    name: 'top-up-without-permission',
    breaks: 'Purser takes a top-up for an operation that returns money',
    file: 'src/pay/authorize/candidates.ts',
    find: "source.kind === 'operation' && source.operation.kind !== 'topUp'",
    replace: "source.kind === 'operation'",
    tests: ['test/pay/operations.test.ts'],
  },
  {
    name: 'approved-operation-quoted-as-an-offer',
    breaks: 'Purser never makes a top-up that a person approved',
    file: 'src/pay/authorize/approve.ts',
    find: "if (purchase.kind === 'operation') return purchase",
    replace: "if (purchase.kind === 'operation') return { kind: 'offers', offers: [challenge] }",
    tests: ['test/pay/operations.test.ts'],
  },
  {
    name: 'ruled-out-is-paid',
    breaks: 'Purser pays an offer of a kind that the preferences exclude',
    file: 'src/pay/authorize/candidates.ts',
    find: 'likingOf(prefer, kind).q === 0',
    replace: 'likingOf(prefer, kind).q < 0',
    tests: ['test/pay/ranking.test.ts'],
  },
  {
    name: 'advertised-unheard',
    breaks: 'Purser pays a 402 that asks for more than the advertised price without asking a person',
    file: 'src/pay/authorize/candidates.ts',
    find: 'env.advertised?.(at, terms) ?? facts.advertised',
    replace: 'facts.advertised',
    tests: DISCOVER,
  },
  {
    name: 'advertised-for-others',
    breaks: 'a catalogue can set the prices of another origin',
    file: 'src/protocol/discovery/x402.ts',
    find: 'url === undefined || url.origin !== origin',
    replace: 'url === undefined',
    tests: ['test/protocol/discovery.test.ts'],
  },
  {
    name: 'discovery-led-away',
    breaks: 'Purser follows a redirect to another origin during discovery',
    file: 'src/client/document.ts',
    find: 'url.origin === from.origin && isConfidential(url)',
    replace: 'isConfidential(url)',
    tests: DISCOVER,
  },
]
