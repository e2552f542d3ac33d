import { expectTypeOf, test } from 'vitest'
import { type Authorization, type Spendable, spendAuthorization } from '../../src/entry/wallet.js'
import {
  type Amount,
  type AnomalyKind,
  type Approver,
  amount,
  CURRENCIES,
  createPurser,
  type FetchLike,
  type Funds,
  type PayingFetch,
  type PaymentState,
  type PolicyDocument,
  type Purser,
  type PurserEvent,
  type PurserOptions,
  type SpanLike,
  type TracerLike,
} from '../../src/index.js'

// Checked by the compiler (`npm run typecheck`): what must not be possible is marked as an error that is expected.

test('an amount is made by amount() and parseAmount(), and not by hand', () => {
  const { pathUSD } = CURRENCIES
  // @ts-expect-error the brand cannot be written down
  const forged: Amount = { value: 1n, currency: pathUSD }
  expectTypeOf(forged).toEqualTypeOf<Amount>()
  expectTypeOf<{ value: bigint; currency: typeof pathUSD }>().not.toExtend<Amount>()
  expectTypeOf(amount(1n, pathUSD)).toEqualTypeOf<Amount>()
  expectTypeOf(amount).parameter(0).toEqualTypeOf<bigint>()
})

test('an authorization cannot be written down', () => {
  // @ts-expect-error the brand cannot be written down
  const forged: Authorization = { payment: 'p1' }
  expectTypeOf(forged).toEqualTypeOf<Authorization>()
  expectTypeOf<{ payment: string }>().not.toExtend<Authorization>()
  expectTypeOf<Spendable>().not.toExtend<Authorization>()
  expectTypeOf(spendAuthorization).parameter(0).toEqualTypeOf<Authorization>()
})

test('options and policies know their keys', () => {
  const rules = { perPayment: '0.10', budgets: [{ limit: '5', per: 'day' }] } as const
  expectTypeOf(createPurser).parameter(0).toEqualTypeOf<PurserOptions>()
  // @ts-expect-error a misspelt rule
  const misspelt: PurserOptions = { wallets: [], policy: { ...rules, perPaiment: '1' } }
  // @ts-expect-error a misspelt option
  const unknown: PurserOptions = { wallets: [], policy: rules, aprover: async () => undefined }
  // @ts-expect-error money is text
  const number: PolicyDocument = { ...rules, perPayment: 0.1 }
  // @ts-expect-error money in a budget is text, too
  const budget: PolicyDocument = { ...rules, budgets: [{ limit: 5, per: 'day' }] }
  // @ts-expect-error a purser without a policy
  const lawless: PurserOptions = { wallets: [] }
  // @ts-expect-error a purser without a wallet
  const penniless: PurserOptions = { policy: rules }
  expectTypeOf([misspelt, unknown, lawless, penniless]).toEqualTypeOf<PurserOptions[]>()
  expectTypeOf([number, budget]).toEqualTypeOf<PolicyDocument[]>()
})

test('the paying fetch is a fetch', () => {
  expectTypeOf<PayingFetch>().toExtend<typeof fetch>()
  expectTypeOf<Purser['fetch']>().toExtend<FetchLike>()
  expectTypeOf<typeof fetch>().toExtend<FetchLike>()
  expectTypeOf<ReturnType<PayingFetch>>().toEqualTypeOf<Promise<Response>>()
})

test('every event, anomaly, state of a payment and place of the money has its name', () => {
  expectTypeOf<PurserEvent>().toEqualTypeOf<
    | 'offer'
    | 'decision'
    | 'approval'
    | 'payment'
    | 'receipt'
    | 'refusal'
    | 'not_paid'
    | 'approval_request'
    | 'freeze'
    | 'doubt'
    | 'budget'
    | 'anomaly'
    | 'error'
  >()
  expectTypeOf<AnomalyKind>().toEqualTypeOf<
    | 'receipt_missing'
    | 'receipt_mismatch'
    | 'receipt_untrue'
    | 'settled_without_delivery'
    | 'settled_after_release'
    | 'redirected_after_payment'
    | 'payment_rejected'
    | 'stream_stalled'
    | 'stream_not_paid_on'
    | 'session_forgotten'
    | 'payee_changed'
    | 'approval_not_valid'
    | 'node_of_another_chain'
    | 'node_unusable'
  >()
  expectTypeOf<PaymentState>().toEqualTypeOf<'denied' | 'held' | 'committed' | 'settled' | 'released'>()
  expectTypeOf<Funds>().toEqualTypeOf<'untouched' | 'held' | 'committed' | 'settled' | 'unknown'>()
})

test('an approver says who it was', () => {
  // @ts-expect-error a bare yes is no answer
  const anonymous: Approver = async () => ({ approved: true })
  expectTypeOf(anonymous).toEqualTypeOf<Approver>()
})

test('a tracer of OpenTelemetry fits', () => {
  expectTypeOf<import('@opentelemetry/api').Tracer>().toExtend<TracerLike>()
  expectTypeOf<import('@opentelemetry/api').Span>().toExtend<SpanLike>()
})
