// Tests of an agent's spending, with vitest and msw. Run: npx vitest run examples/research-agent.test.ts
import { HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import type { PolicyDocument } from 'purser'
import { paidApi, testPurser } from 'purser/testing'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { research } from './research-agent.js'

const SEARCH = 'GET https://api.search.example/v1/search'

const policy: PolicyDocument = {
  perPayment: '0.10 USD',
  budgets: [{ limit: '0.30 USD', per: 'day' }],
  vendors: [{ origin: 'https://api.search.example' }],
}

const api = await paidApi({
  [SEARCH]: { price: '0.10 USD', answer: () => HttpResponse.text('Four minutes.') },
})
const server = setupServer(...api.handlers)

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
afterEach(() => api.reset())
afterAll(() => server.close())

test('pays for each question', async () => {
  const { purser, paid, left } = testPurser({ policy })
  const [finding] = await research(purser, ['How long does tea brew?'])
  expect(finding?.answer).toBe('Four minutes.')
  expect(api.taken()).toBe('0.1 USD')
  expect(await paid()).toBe('0.1 USD')
  expect(await left()).toBe('0.2 USD')
})

test('stops when the budget is spent, and goes on the next day', async () => {
  const { purser, advance } = testPurser({ policy })
  const findings = await research(purser, ['black', 'green', 'white', 'oolong'])
  expect(findings.map(({ answer }) => answer !== undefined)).toEqual([true, true, true, false])
  expect(findings[3]?.problem).toContain('0.3 USD')
  await advance('1d')
  expect(await research(purser, ['oolong'])).toEqual([{ question: 'oolong', answer: 'Four minutes.' }])
  expect(api.taken()).toBe('0.4 USD')
})

test('pays no price above the limit, and signs nothing', async () => {
  api.change(SEARCH, { price: '0.11 USD' })
  const { purser, wallet, refusals } = testPurser({ policy })
  const [finding] = await research(purser, ['black'])
  expect(finding?.problem).toContain('One payment may cost at most 0.1 USD')
  expect(wallet.signatures).toBe(0)
  expect((await refusals())[0]?.reasons[0]).toMatchObject({ rule: 'perPayment', asked: '0.11 USD' })
})

test('asks a person before it pays', async () => {
  const asked: string[] = []
  const { purser } = testPurser({
    policy: { ...policy, ask: [{ above: '0.05 USD' }] },
    approver: async ({ resource }) => {
      asked.push(resource.operation)
      return { approved: false, by: 'ann' }
    },
  })
  const [finding] = await research(purser, ['black'])
  expect(asked).toEqual(['GET /v1/search'])
  expect(finding?.problem).toContain('ann did not approve this payment')
  expect(api.taken()).toBe('0 USD')
})

test('reports an answer that was lost after the payment', async () => {
  api.change(SEARCH, { fault: { name: 'loses-answer', times: 1 } })
  const { purser, paid } = testPurser({ policy })
  const findings = await research(purser, ['black', 'green'])
  expect(findings[0]?.problem).toBe('paid_not_delivered')
  expect(findings[1]?.answer).toBe('Four minutes.')
  expect(api.taken()).toBe('0.2 USD')
  expect(await paid()).toBe('0.2 USD')
})

test('gets the budget back if the server took nothing', async () => {
  api.change(SEARCH, { fault: 'fails-before-payment' })
  const { purser, held, left, advance } = testPurser({ policy })
  const [finding] = await research(purser, ['black'])
  expect(finding?.problem).toBe('the server answered with status 500')
  // The server could still take the credential, so the budget counts it.
  expect(await held()).toBe('0.1 USD')
  await advance('1m')
  expect(await held()).toBe('0 USD')
  expect(await left()).toBe('0.3 USD')
})
