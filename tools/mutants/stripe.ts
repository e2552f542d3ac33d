import type { Mutant } from './list.js'

const WIND_UP = ['test/pay/abandon.test.ts']
const QUOTE = ['test/wallet/stripe/quote.test.ts']
const PREPARE = ['test/wallet/stripe/prepare.test.ts']
const INSPECT = ['test/wallet/stripe/inspect.test.ts']

/** Faults in payments by Shared Payment Tokens, and with credentials that can be revoked or that wait for a person. */
export const STRIPE: readonly Mutant[] = [
  {
    name: 'delivered-is-revoked',
    breaks: 'Purser makes a payment void although its answer was delivered',
    file: 'src/pay/recovery/inspection.ts',
    find: 'if (over || waiting || payment.delivered) return seen',
    replace: 'if (over || waiting) return seen',
    tests: WIND_UP,
  },
  {
    name: 'waiting-is-revoked',
    breaks: 'Purser makes a payment void while it waits for a person',
    file: 'src/pay/recovery/inspection.ts',
    find: 'if (over || waiting || payment.delivered) return seen',
    replace: 'if (over || payment.delivered) return seen',
    tests: WIND_UP,
  },
  {
    name: 'revoked-under-its-owner',
    breaks: 'Purser ends a payment while another process works on it',
    file: 'src/pay/recovery/inspection.ts',
    find: 'if (!ok) return { payment: ours }',
    replace: '',
    tests: WIND_UP,
  },
  {
    name: 'waiting-is-sent',
    breaks: 'Purser sends a credential before a person has acted',
    file: 'src/pay/submit.ts',
    find: 'if (acted !== undefined && (await untilAborted(acted(), signal))) return',
    replace: 'if (acted === undefined || (await untilAborted(acted(), signal))) return',
    tests: WIND_UP,
  },
  {
    name: 'sent-after-release',
    breaks: 'Purser sends a credential for a payment that was given up in the meantime',
    file: 'src/pay/submit.ts',
    find: 'if (learned?.ok === false)',
    replace: 'if (learned === null)',
    tests: WIND_UP,
  },
  {
    name: 'released-beside-another',
    breaks: 'the ledger releases a payment although not all of its credentials are proven void',
    file: 'src/ledger/payment-state.ts',
    find: 'if (more || !releasable(row)) return undefined',
    replace: 'if (!releasable(row) && !more) return undefined',
    tests: ['test/ledger/payment-state.test.ts'],
  },
  {
    name: 'stripe-token-for-another-amount',
    breaks: 'a second credential uses a token for another amount',
    file: 'src/wallet/stripe/quote.ts',
    find: 'detail.amount === charge.amount.toString() &&',
    replace: '',
    tests: INSPECT,
  },
  {
    name: 'stripe-token-charged-in-part',
    breaks: 'Purser sends a partly charged token again for the whole amount',
    file: 'src/wallet/stripe/quote.ts',
    find: 'if (token?.captured !== undefined && token.captured.value > 0n) return doubt',
    replace: '',
    tests: INSPECT,
  },
  {
    name: 'stripe-any-token',
    breaks: 'the wallet uses a token that differs from the request',
    file: 'src/wallet/stripe/prepare.ts',
    find: 'if (wrong === undefined && usable) return handedOut',
    replace: 'if (usable) return handedOut',
    tests: PREPARE,
  },
  {
    name: 'stripe-unlimited-life',
    breaks: 'a token is valid for as long as the offer asks',
    file: 'src/wallet/shared.ts',
    find: 'const until = Math.min(expires, now + Math.min(mostMs, bounds.maxValidityMs))',
    replace: 'const until = expires === Number.POSITIVE_INFINITY ? now + mostMs : expires',
    tests: QUOTE,
  },
  {
    name: 'stripe-one-key-for-all',
    breaks:
      'the wallet requests the second token of a payment with the key of the first token, which was revoked',
    file: 'src/wallet/stripe/prepare.ts',
    find: '{randomId()}`,',
    replace: '{payment.length}`,',
    tests: PREPARE,
  },
  {
    name: 'stripe-silence-is-void',
    breaks: 'a token that Stripe does not show counts as void',
    file: 'src/wallet/stripe/inspect.ts',
    find: "if (status === 404) return { state: 'unknown', reason: 'This Stripe account does not know the token' }",
    replace: "if (status === 404) return { state: 'void', reason: 'It is not there' }",
    tests: INSPECT,
  },
  {
    name: 'stripe-consumed-is-void',
    breaks: 'a consumed token without an amount counts as zero',
    file: 'src/wallet/stripe/inspect.ts',
    find: "if (reason === 'consumed') return settled(token, detail, asked)",
    replace: '',
    tests: INSPECT,
  },
  {
    name: 'stripe-clock-voids-an-open-token',
    breaks: 'a token that Stripe can still charge counts as void by the local clock alone',
    file: 'src/wallet/stripe/inspect.ts',
    find: "if (status === 'active') {",
    replace: `if (status === 'active' && now >= endOf(detail)) return { state: 'void', reason: 'It is over' }
  if (status === 'active') {`,
    tests: INSPECT,
  },
  {
    name: 'stripe-test-money-by-default',
    breaks: 'a wallet that cannot recognize test money takes real money for it',
    file: 'src/wallet/stripe/options.ts',
    find: 'if (secretKey === undefined) return livemode ?? true',
    replace: 'if (secretKey === undefined) return livemode ?? false',
    tests: ['test/wallet/stripe/options.test.ts'],
  },
  {
    name: 'stripe-words-in-errors',
    breaks: 'Purser shows an error from Stripe with its keys and tokens',
    file: 'src/wallet/stripe/fault.ts',
    find: '/^[a-z][a-z0-9_]{0,63}$/.test(value)',
    replace: 'value.length > 0',
    tests: PREPARE,
  },
]
