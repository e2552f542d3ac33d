import { expect, test } from 'vitest'
import { isPaymentError, PaymentError } from '../../src/errors/index.js'
import { amount, CURRENCIES, formatAmount } from '../../src/money/index.js'

test('money and errors work in a browser', () => {
  expect(formatAmount(amount(10_000n, CURRENCIES.pathUSD))).toBe('0.01 pathUSD')
  expect(isPaymentError(new PaymentError('refused', 'untouched', 'No'), 'refused')).toBe(true)
})
