import { expect, test, vi } from 'vitest'
import { stripe } from '../../../src/wallet/stripe/index.js'
import { ready } from './harness.js'

vi.mock('stripe', () => {
  throw new Error('Cannot find package')
})

test('without the package, a secret key pays nothing, and the error comes while the money is safe', async () => {
  const wallet = stripe({ secretKey: 'sk_test_verysecret', paymentMethod: 'pm_1' })
  const error: unknown = await ready(wallet).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
  expect(String(error)).toContain('the package stripe')
  expect(String(error)).not.toContain('verysecret')
})

test('every other way to pay works without the package', async () => {
  const wallet = stripe({ createToken: async () => 'spt_1', livemode: false })
  await expect(ready(wallet)).resolves.toMatchObject({ evidence: { kind: 'stripe/charge' } })
})
