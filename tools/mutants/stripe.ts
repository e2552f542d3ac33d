import type { Mutant } from './list.js'

const WIND_UP = ['test/pay/abandon.test.ts']
const QUOTE = ['test/wallet/stripe/quote.test.ts']
const PREPARE = ['test/wallet/stripe/prepare.test.ts']
const INSPECT = ['test/wallet/stripe/inspect.test.ts']

/** Payments by Shared Payment Tokens, and credentials that can be taken back or wait for a person. */
export const STRIPE: readonly Mutant[] = [
  {
    name: 'delivered-is-revoked',
    breaks: 'a payment whose answer was delivered is made void',
    file: 'src/pay/recovery/inspection.ts',
    find: 'if (over || waiting || payment.delivered) return seen',
    replace: 'if (over || waiting) return seen',
    tests: WIND_UP,
  },
  {
    name: 'waiting-is-revoked',
    breaks: 'a payment that waits for a person is made void',
    file: 'src/pay/recovery/inspection.ts',
    find: 'if (over || waiting || payment.delivered) return seen',
    replace: 'if (over || payment.delivered) return seen',
    tests: WIND_UP,
  },
  {
    name: 'revoked-under-its-owner',
    breaks: 'a payment is ended while another process works on it',
    file: 'src/pay/recovery/inspection.ts',
    find: 'if (!ok) return { payment: ours }',
    replace: '',
    tests: WIND_UP,
  },
  {
    name: 'waiting-is-sent',
    breaks: 'a credential leaves before a person has acted',
    file: 'src/pay/submit.ts',
    find: 'if (acted !== undefined && (await untilAborted(acted(), signal))) return',
    replace: 'if (acted === undefined || (await untilAborted(acted(), signal))) return',
    tests: WIND_UP,
  },
  {
    name: 'sent-after-release',
    breaks: 'a credential is sent for a payment that was given up meanwhile',
    file: 'src/pay/submit.ts',
    find: 'if (learned?.ok === false)',
    replace: 'if (learned === null)',
    tests: WIND_UP,
  },
  {
    name: 'released-beside-another',
    breaks: 'a payment is released for fewer credentials than it has',
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
    breaks: 'a token that was charged in part is sent again for the whole amount',
    file: 'src/wallet/stripe/quote.ts',
    find: 'if (token?.captured !== undefined && token.captured.value > 0n) return doubt',
    replace: '',
    tests: INSPECT,
  },
  {
    name: 'stripe-any-token',
    breaks: 'a token that differs from the request is used',
    file: 'src/wallet/stripe/prepare.ts',
    find: 'if (wrong === undefined && usable) return handedOut',
    replace: 'if (usable) return handedOut',
    tests: PREPARE,
  },
  {
    name: 'stripe-unlimited-life',
    breaks: 'a token is valid as long as the offer asks',
    file: 'src/wallet/shared.ts',
    find: 'const until = Math.min(expires, now + Math.min(mostMs, bounds.maxValidityMs))',
    replace: 'const until = expires === Number.POSITIVE_INFINITY ? now + mostMs : expires',
    tests: QUOTE,
  },
  {
    name: 'stripe-one-key-for-all',
    breaks: 'a second token of a payment is asked for under the key of the first, which was revoked',
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
    breaks: 'a consumed token without a sum counts for nothing',
    file: 'src/wallet/stripe/inspect.ts',
    find: "if (reason === 'consumed') return settled(token, detail, asked)",
    replace: '',
    tests: INSPECT,
  },
  {
    name: 'stripe-clock-voids-an-open-token',
    breaks: 'the local clock alone proves that a token is void that Stripe could still charge',
    file: 'src/wallet/stripe/inspect.ts',
    find: "if (status === 'active') {",
    replace: `if (status === 'active' && now >= endOf(detail)) return { state: 'void', reason: 'It is over' }
  if (status === 'active') {`,
    tests: INSPECT,
  },
  {
    name: 'stripe-test-money-by-default',
    breaks: 'a wallet that cannot tell them apart takes real money for test money',
    file: 'src/wallet/stripe/options.ts',
    find: 'if (secretKey === undefined) return livemode ?? true',
    replace: 'if (secretKey === undefined) return livemode ?? false',
    tests: ['test/wallet/stripe/options.test.ts'],
  },
  {
    name: 'stripe-words-in-errors',
    breaks: 'an error of Stripe is shown with its keys and tokens',
    file: 'src/wallet/stripe/fault.ts',
    find: '/^[a-z][a-z0-9_]{0,63}$/.test(value)',
    replace: 'value.length > 0',
    tests: PREPARE,
  },
]
