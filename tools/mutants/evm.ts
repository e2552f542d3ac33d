import type { Mutant } from './list.js'

const QUOTE = ['test/wallet/evm/quote.test.ts']
const SIGN = ['test/wallet/evm/sign.test.ts']
const CHAIN = ['test/wallet/evm/inspect.live.test.ts']

/** Tokens that are mistaken, signatures that do not exclude each other, and proofs that are none. */
export const EVM: readonly Mutant[] = [
  {
    name: 'evm-domain-of-the-server',
    breaks: 'an offer may call a token by another name',
    file: 'src/wallet/evm/plan.ts',
    find: '(claimed.name !== undefined && claimed.name !== domain.name) ||',
    replace: '',
    tests: QUOTE,
  },
  {
    name: 'evm-decimals-of-the-server',
    breaks: 'an offer may say that a token has other decimals',
    file: 'src/wallet/evm/plan.ts',
    find: 'decimals === undefined || decimals === currency.decimals) return currency',
    replace: 'decimals !== -1) return currency',
    tests: QUOTE,
  },
  {
    name: 'evm-endless',
    breaks: 'a payment lives as long as the server likes',
    file: 'src/wallet/shared.ts',
    find: 'Math.min(mostMs, bounds.maxValidityMs)',
    replace: 'mostMs',
    tests: QUOTE,
  },
  {
    name: 'evm-retry-on-a-new-nonce',
    breaks: 'a retry has another nonce, so that both can settle',
    file: 'src/wallet/evm/prepare.ts',
    find: 'return place ?? bound ?? nonceOf(spendable, chainId, contract)',
    replace: 'return bound ?? nonceOf(spendable, chainId, contract)',
    tests: SIGN,
  },
  {
    name: 'evm-retry-of-a-bound-nonce',
    breaks: 'a second credential whose nonce the challenge fixes passes for one that excludes the first',
    file: 'src/wallet/evm/quote.ts',
    find: 'return offer.nonce === undefined || offer.nonce === nonce',
    replace: 'return offer.nonce === undefined || nonce !== undefined',
    tests: QUOTE,
  },
  {
    name: 'evm-other-terms',
    breaks: 'the signed payment may have another payee than the judged one',
    file: 'src/wallet/evm/prepare.ts',
    find: 'payee?.id === offer.to &&',
    replace: 'payee !== undefined &&',
    tests: SIGN,
  },
  {
    name: 'evm-used-is-settled',
    breaks: 'a nonce that was cancelled counts as settled',
    file: 'src/wallet/evm/inspect-authorization.ts',
    find: 'if (log !== undefined && paid(receipt.logs, detail))',
    replace: 'if (log !== undefined || paid(receipt.logs, detail) || taker !== undefined)',
    tests: CHAIN,
  },
  {
    name: 'evm-void-at-once',
    breaks: 'an unused nonce is void before a final block says so',
    file: 'src/wallet/evm/inspect-authorization.ts',
    find: 'final !== undefined && final.timestamp >= validBefore ? final : undefined',
    replace: 'final !== undefined ? final : undefined',
    tests: CHAIN,
  },
  {
    name: 'evm-void-without-a-taker',
    breaks: 'a transaction is void before another one took its nonce',
    file: 'src/wallet/evm/inspect-transaction.ts',
    find: '{ blockHash: final.hash })) <= nonce)',
    replace: '{ blockHash: final.hash })) < nonce)',
    tests: CHAIN,
  },
  {
    name: 'evm-ceiling-is-the-price',
    breaks: 'a payment with an upper limit settles in full, although less was taken',
    file: 'src/wallet/evm/inspect-permit.ts',
    find: 'const taken = BigInt(log.data)',
    replace: 'const taken = BigInt(log.data) && BigInt(detail.amount)',
    tests: CHAIN,
  },
  {
    name: 'evm-sign-in-elsewhere',
    breaks: 'a sign-in to another site is signed',
    file: 'src/wallet/evm/sign-in.ts',
    find: "if (domain !== site.host) return no('it is for another site than the requested one')",
    replace: '',
    tests: ['test/wallet/evm/sign-in.test.ts'],
  },
]
