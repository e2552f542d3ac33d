import type { Mutant } from './list.js'

const QUOTE = ['test/wallet/evm/quote.test.ts']
const SIGN = ['test/wallet/evm/sign.test.ts']
const CHAIN = ['test/wallet/evm/inspect.live.test.ts']

/** Faults in the check of tokens, in signatures that must exclude each other, and in proofs on EVM chains. */
export const EVM: readonly Mutant[] = [
  {
    name: 'evm-domain-of-the-server',
    breaks: 'Purser accepts an offer that gives a token a wrong name',
    file: 'src/wallet/evm/plan.ts',
    find: '(claimed.name !== undefined && claimed.name !== domain.name) ||',
    replace: '',
    tests: QUOTE,
  },
  {
    name: 'evm-decimals-of-the-server',
    breaks: 'Purser accepts an offer that gives a token a wrong number of decimals',
    file: 'src/wallet/evm/plan.ts',
    find: 'decimals === undefined || decimals === currency.decimals) return currency',
    replace: 'decimals !== -1) return currency',
    tests: QUOTE,
  },
  {
    name: 'evm-endless',
    breaks: 'a server can choose any length of time for which a payment is valid',
    file: 'src/wallet/shared.ts',
    find: 'Math.min(mostMs, bounds.maxValidityMs)',
    replace: 'mostMs',
    tests: QUOTE,
  },
  {
    name: 'evm-retry-on-a-new-nonce',
    breaks: 'a retry uses another nonce, so both payments can settle',
    file: 'src/wallet/evm/prepare.ts',
    find: 'return place ?? bound ?? nonceOf(spendable, chainId, contract)',
    replace: 'return bound ?? nonceOf(spendable, chainId, contract)',
    tests: SIGN,
  },
  {
    name: 'evm-retry-of-a-bound-nonce',
    breaks:
      'Purser assumes that a second credential excludes the first although the challenge sets a different nonce',
    file: 'src/wallet/evm/quote.ts',
    find: 'return offer.nonce === undefined || offer.nonce === nonce',
    replace: 'return offer.nonce === undefined || nonce !== undefined',
    tests: QUOTE,
  },
  {
    name: 'evm-other-terms',
    breaks: 'the wallet may sign a payment to another payee than the judged one',
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
    breaks: 'a payment with an unused nonce counts as void before a final block proves it',
    file: 'src/wallet/evm/inspect-authorization.ts',
    find: 'final !== undefined && final.timestamp >= validBefore ? final : undefined',
    replace: 'final !== undefined ? final : undefined',
    tests: CHAIN,
  },
  {
    name: 'evm-void-without-a-taker',
    breaks: 'a transaction counts as void before another transaction has used its nonce',
    file: 'src/wallet/evm/inspect-transaction.ts',
    find: '{ blockHash: final.hash })) <= nonce)',
    replace: '{ blockHash: final.hash })) < nonce)',
    tests: CHAIN,
  },
  {
    name: 'evm-ceiling-is-the-price',
    breaks: 'a payment with an upper limit settles at the full limit although the vendor took less',
    file: 'src/wallet/evm/inspect-permit.ts',
    find: 'const taken = BigInt(log.data)',
    replace: 'const taken = BigInt(log.data) && BigInt(detail.amount)',
    tests: CHAIN,
  },
  {
    name: 'evm-sign-in-elsewhere',
    breaks: 'the wallet signs a sign-in to another site',
    file: 'src/wallet/evm/sign-in.ts',
    find: "if (domain !== site.host) return no('it is for another site than the requested one')",
    replace: '',
    tests: ['test/wallet/evm/sign-in.test.ts'],
  },
]
