import type { Mutant } from './list.js'

const TOKENS = ['test/wallet/tempo/fee-token.test.ts']

/** Which token pays the fee of a payment on Tempo. */
export const FEES: readonly Mutant[] = [
  {
    name: 'fee-token-against-policy',
    breaks: 'a fee is paid with a currency that policy does not list',
    file: 'src/wallet/tempo/fee-token.ts',
    find: ' && mayUse(each, bounds)',
    replace: '',
    tests: TOKENS,
  },
  {
    name: 'fee-token-uncounted',
    breaks: 'a fee is paid with a currency that does not count in the unit of the policy',
    file: 'src/wallet/tempo/fee-token.ts',
    find: ' && count(amount(1n, each), bounds.unit) !== undefined',
    replace: '',
    tests: TOKENS,
  },
  {
    name: 'fee-token-over-bound',
    breaks: 'a fee in another token may exceed the limit of the policy',
    file: 'src/wallet/tempo/fee-token.ts',
    find: '.filter((fee) => overFee({ fee }, context) === undefined)',
    replace: '',
    tests: TOKENS,
  },
  {
    name: 'fee-token-too-poor',
    breaks: 'a fee is paid with a token that the account holds too little of',
    file: 'src/wallet/tempo/fee-token.ts',
    find: 'has !== undefined && has >= fee.bound.value && ',
    replace: '',
    tests: TOKENS,
  },
  {
    name: 'fee-token-not-taken',
    breaks: 'a fee in another token is not taken off the cached balance of that token',
    file: 'src/wallet/tempo/fee-token.ts',
    find: 'return needsOf(takes, fee && { ...fee, bound: fee.usual })',
    replace: 'return needsOf(takes, undefined)',
    tests: TOKENS,
  },
]
