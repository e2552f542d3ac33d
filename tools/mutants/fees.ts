import type { Mutant } from './list.js'

const TOKENS = ['test/wallet/tempo/fee-token.test.ts']

/** Faults in the choice of the token that pays the fee on Tempo. */
export const FEES: readonly Mutant[] = [
  {
    name: 'fee-token-against-policy',
    breaks: 'the wallet pays a fee in a currency that policy does not list',
    file: 'src/wallet/tempo/fee-token.ts',
    find: ' && mayUse(each, bounds)',
    replace: '',
    tests: TOKENS,
  },
  {
    name: 'fee-token-uncounted',
    breaks: "the wallet pays a fee in a currency that has no value in the policy's unit",
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
    breaks: 'the wallet pays a fee in a token of which the account holds too little',
    file: 'src/wallet/tempo/fee-token.ts',
    find: 'has !== undefined && has >= fee.bound.value && ',
    replace: '',
    tests: TOKENS,
  },
  {
    name: 'fee-token-not-taken',
    breaks: 'the wallet does not subtract a fee in another token from the cached balance of that token',
    file: 'src/wallet/tempo/fee-token.ts',
    find: 'return needsOf(takes, fee && { ...fee, bound: fee.usual })',
    replace: 'return needsOf(takes, undefined)',
    tests: TOKENS,
  },
]
