import type { Mutant } from './list.js'

/** What people are told, and what is read as it was meant. */
export const SENTENCES: readonly Mutant[] = [
  {
    name: 'approver-fails-silently',
    breaks: 'an approver that throws is no event',
    file: 'src/pay/approve.ts',
    find: "if (asked.thrown !== undefined) env.emitter.emit('error', { ...asked.thrown, during: 'approver' })",
    replace: '',
    tests: ['test/pay/approvals.test.ts'],
  },
  {
    name: 'undici-not-paid-untold',
    breaks: 'a 402 through undici from a vendor that is not listed says no reason',
    file: 'src/undici/interceptor.ts',
    find: 'note(holder.reply)',
    replace: '',
    tests: ['test/purser/not-paid.test.ts'],
  },
  {
    name: 'typed-signature-not-compared',
    breaks: 'what a hosted signer made of other data leaves',
    file: 'src/wallet/evm/account.ts',
    find: 'if (lower(await recoverAddress({ hash, signature })) !== lower(address))',
    replace: 'if (lower(await recoverAddress({ hash, signature })) === hash)',
    tests: ['test/wallet/evm/typed-data.test.ts'],
  },
  {
    name: 'fee-not-named',
    breaks: 'a refusal by a budget does not say how much of the sum is the fee',
    file: 'src/policy/say.ts',
    find: "if (cost === undefined || counts !== 'spend'",
    replace: "if (cost === undefined || counts === 'spend'",
    tests: ['test/policy/tell.test.ts'],
  },
  {
    name: 'policy-file-not-named',
    breaks: 'an invalid policy does not say which file it is',
    file: 'src/policy/file/text.ts',
    find: 'readDocument(toValue(yaml, source), locator(yaml), source)',
    replace: 'readDocument(toValue(yaml, source), locator(yaml))',
    tests: ['test/policy/file.test.ts'],
  },
  {
    name: 'any-parameter-read-loosely',
    breaks: 'what decides about money is read from a text with quotes that are not escaped',
    file: 'src/protocol/auth-params.ts',
    find: '!atItemEnd(cursor) && name.toLowerCase() === WORDS)',
    replace: '!atItemEnd(cursor))',
    tests: ['test/protocol/challenge.test.ts'],
  },
  {
    name: 'description-ends-at-any-comma',
    breaks: 'a description ends in its midst, and the rest of it spoils the challenge',
    file: 'src/protocol/auth-params.ts',
    find: 'return named && codeAt(ahead) === EQUALS',
    replace: 'return true',
    tests: ['test/protocol/challenge.test.ts'],
  },
  {
    name: 'below-localhost-is-anybody',
    breaks: 'a name that only ends like localhost is taken for this machine',
    file: 'src/policy/origins.ts',
    find: "hostname.endsWith('.localhost')",
    replace: "hostname.endsWith('localhost')",
    tests: ['test/policy/vendors.test.ts'],
  },
]
