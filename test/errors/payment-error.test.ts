import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import {
  ERROR_CODES,
  findPaymentError,
  isPaymentError,
  PaymentError,
  PaymentRefusedError,
} from '../../src/errors/index.js'

const REASON = {
  rule: 'perPayment',
  limit: '0.1 USD',
  asked: '2 USD',
  message: 'At most 0.1 USD may be paid at once.',
}

test.each(ERROR_CODES)('%s: the error states what happened to the money', (code) => {
  const error = new PaymentError(code, 'unknown', 'It went wrong.')
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'PaymentError',
    code,
    funds: 'unknown',
    message: 'It went wrong.',
    reasons: [],
  })
  expect(error.docs).toBe(`purser/docs/errors.md#${code}`)
  expect(error.retryable).toBe(['busy', 'ledger_busy', 'wallet_unavailable'].includes(code))
})

test('the caller can override whether a retry makes sense', () => {
  expect(new PaymentError('refused', 'untouched', 'No.', { retryable: true }).retryable).toBe(true)
  expect(new PaymentError('busy', 'untouched', 'No.', { retryable: false }).retryable).toBe(false)
})

test('has the given details, and no key for absent ones', () => {
  const bare = new PaymentError('refused', 'untouched', 'No.')
  expect(Object.keys(bare).sort()).toEqual(['code', 'docs', 'funds', 'name', 'reasons', 'retryable'])
  expect('cause' in bare).toBe(false)

  const cause = new TypeError('below')
  const action = { kind: 'redirect', url: 'https://bank.example/3ds' } as const
  const full = new PaymentError('action_required', 'held', 'Look.', {
    cause,
    reasons: [REASON],
    paymentId: 'p1',
    reference: '0xabc',
    action,
    retryAt: 1000,
  })
  expect(full).toMatchObject({
    cause,
    reasons: [REASON],
    paymentId: 'p1',
    reference: '0xabc',
    action,
    retryAt: 1000,
  })
})

test('an undefined cause is kept as a cause', () => {
  expect('cause' in new PaymentError('busy', 'held', 'No.', { cause: undefined })).toBe(true)
})

test('the reply can be read, but loggers do not print it', () => {
  const reply = { secret: 'bearer' }
  const error = new PaymentError('payment_in_doubt', 'unknown', 'Lost.', { reply })
  expect(error.reply).toBe(reply)
  expect(JSON.stringify(error)).not.toContain('bearer')
  expect(inspect(error)).not.toContain('bearer')
  expect({ ...error }).not.toHaveProperty('reply')
})

test('a refusal is a PaymentError with its own name', () => {
  const error = new PaymentRefusedError('No.', { reasons: [REASON] })
  expect(error).toBeInstanceOf(PaymentError)
  expect(error).toMatchObject({
    name: 'PaymentRefusedError',
    code: 'refused',
    funds: 'untouched',
    reasons: [REASON],
  })
  expect(new PaymentRefusedError('No.', { code: 'frozen', funds: 'settled' })).toMatchObject({
    code: 'frozen',
    funds: 'settled',
  })
})

test('isPaymentError recognises it among other values, by code, and across copies of the module', () => {
  const error = new PaymentError('busy', 'untouched', 'No.')
  expect(isPaymentError(error)).toBe(true)
  expect(isPaymentError(error, 'busy')).toBe(true)
  expect(isPaymentError(error, 'refused')).toBe(false)
  expect(isPaymentError(new PaymentRefusedError('No.'), 'refused')).toBe(true)
  const copy = Object.defineProperty(new Error('No.'), Symbol.for('purser.PaymentError'), { value: true })
  expect(isPaymentError(copy)).toBe(true)
  for (const other of [new Error('busy'), { code: 'busy' }, null, undefined, 'busy', 402])
    expect(isPaymentError(other)).toBe(false)
})

test('a payment error is found behind the errors that SDKs wrap it in', () => {
  const error = new PaymentError('payment_in_doubt', 'unknown', 'Nobody knows yet.')
  const wrapped = new Error('Connection error.', { cause: new TypeError('fetch failed', { cause: error }) })
  const retried = Object.assign(new Error('Failed after 3 attempts.'), {
    errors: [new Error('first'), wrapped],
  })
  for (const caught of [error, wrapped, retried, new AggregateError([wrapped])]) {
    expect(findPaymentError(caught)).toBe(error)
    expect(findPaymentError(caught, 'payment_in_doubt')).toBe(error)
    expect(findPaymentError(caught, 'refused')).toBeUndefined()
  }
})

test('no payment error is found if there is none, even if causes are circular', () => {
  const circle: { cause?: unknown } = {}
  circle.cause = { cause: circle }
  for (const caught of [
    undefined,
    null,
    'text',
    1,
    {},
    new Error('none'),
    circle,
    { errors: [circle, null] },
  ])
    expect(findPaymentError(caught)).toBeUndefined()
})

test('the nearest of several payment errors is found', () => {
  const first = new PaymentError('payment_in_doubt', 'unknown', 'Nobody knows yet.')
  const outer = new PaymentError('ledger_failed', 'untouched', 'The disk is full.', { cause: first })
  expect(findPaymentError(new Error('wrapped', { cause: outer }))).toBe(outer)
  expect(findPaymentError(outer, 'payment_in_doubt')).toBe(first)
})
