import { setupWorker } from 'msw/browser'
import { paidApi, testPurser } from 'purser/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'

const policy = {
  perPayment: '0.10 USD',
  budgets: [{ limit: '1 USD', per: 'day' }],
  deposits: '1 USD',
  vendors: [{ origin: 'https://api.example', deposit: '1 USD' }],
} as const

const api = await paidApi({
  'GET https://api.example/search': { price: '0.01 USD', answer: { found: 3 } },
  'GET https://api.example/lost': { price: '0.01 USD', fault: 'loses-answer' },
  'GET https://api.example/live': {
    price: '0.01 USD',
    offers: ['tempo/session'],
    events: ['one', 'two', 'three'],
  },
})
const worker = setupWorker(...api.handlers)

beforeAll(() => worker.start({ quiet: true, onUnhandledRequest: 'bypass' }))
afterAll(() => worker.stop())

test('a page under test pays the handlers of a service worker', async () => {
  const { purser, paid, left } = testPurser({ policy })
  const reply = await purser.fetch('https://api.example/search')
  expect([reply.status, await reply.json()]).toEqual([200, { found: 3 }])
  expect([api.taken(), await paid(), await left()]).toEqual(['0.01 USD', '0.01 USD', '0.99 USD'])
  await purser.close()
})

test('an answer that is lost in a page is a payment that was not delivered', async () => {
  api.reset()
  const { purser, paid } = testPurser({ policy })
  await expect(purser.fetch('https://api.example/lost')).rejects.toMatchObject({ code: 'paid_not_delivered' })
  expect([api.taken(), await paid()]).toEqual(['0.01 USD', '0.01 USD'])
  await purser.close()
})

test('a stream is paid for event by event in a page', async () => {
  api.reset()
  const { purser, paid } = testPurser({ policy })
  const body = await (await purser.fetch('https://api.example/live')).text()
  expect(body).toBe('data: one\n\ndata: two\n\ndata: three\n\n')
  expect(api.taken()).toBe('0.03 USD')
  await expect.poll(() => paid()).toBe('0.03 USD')
  await purser.close()
})
