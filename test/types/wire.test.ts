import { expect, onTestFinished, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { createPurser, type Purser, type PurserEvent } from '../../src/index.js'
import { encodeBase64url } from '../../src/protocol/index.js'
import { TestClock } from '../ledger/fixtures.js'
import { fakeWallet, ORIGIN, Rail } from '../pay/peers.js'

// The names that go over the wire, and those that listeners subscribe to.

const json = (value: unknown): string => encodeBase64url(new TextEncoder().encode(JSON.stringify(value)))
const challenge = `Payment id="c1", realm="shop", method="tempo", intent="charge", request="${json({ cents: 10, payee: '0xaa', fee: 0 })}"`

interface Shop {
  readonly purser: Purser
  /** Names of the headers of each leg, sorted. */
  readonly legs: string[][]
}

function shop(perPayment: string): Shop {
  const clock = new TestClock()
  const legs: string[][] = []
  const purser = createPurser({
    wallets: [fakeWallet(new Rail(), clock)],
    policy: { perPayment, budgets: [{ limit: '5', per: 'day' }], vendors: [{ origin: ORIGIN }] },
    ledger: memoryLedger({ clock }),
    clock,
    fetch: async (input, init) => {
      const { headers } = new Request(input, init)
      legs.push([...headers.keys()].sort())
      if (!headers.has('authorization'))
        return new Response(null, { status: 402, headers: { 'www-authenticate': challenge } })
      const receipt = { status: 'success', method: 'tempo', challengeId: 'c1', reference: 'c1' }
      return new Response('tea', { headers: { 'payment-receipt': json(receipt) } })
    },
  })
  onTestFinished(() => purser.close())
  return { purser, legs }
}

test('the headers of a payment', async () => {
  const { purser, legs } = shop('1')
  const response = await purser.fetch(`${ORIGIN}/v1/tea`)
  expect(await response.text()).toBe('tea')
  expect(purser.paymentFor(response)).toMatchObject({ state: 'settled', proof: 'receipt' })
  expect(legs).toEqual([['accept-payment'], ['accept-payment', 'authorization', 'idempotency-key']])
})

test('the headers and the members of a refusal', async () => {
  const { purser } = shop('0.01')
  const response = await purser.fetch(`${ORIGIN}/v1/tea`)
  expect(response.status).toBe(402)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/problem+json',
    'x-should-retry': 'false',
  })
  const problem: unknown = await response.json()
  expect(problem).toMatchObject({
    type: 'urn:uuid:3188016e-4bfb-43a7-b1eb-e8d9ae90bd99#refused',
    title: 'Payment refused',
    status: 402,
    code: 'refused',
    funds: 'untouched',
    reasons: [{ rule: 'perPayment' }],
  })
  expect(Object.keys(Object(problem)).sort()).toEqual(
    ['code', 'detail', 'error', 'funds', 'message', 'payment', 'reasons', 'status', 'title', 'type'].sort(),
  )
})

test('the events of a payment and of a refusal, in their order', async () => {
  const names: readonly PurserEvent[] = [
    'offer',
    'decision',
    'approval',
    'payment',
    'receipt',
    'refusal',
    'anomaly',
    'error',
  ]
  const heard = async (perPayment: string): Promise<string[]> => {
    const { purser } = shop(perPayment)
    const told: string[] = []
    for (const name of names) purser.on(name, () => told.push(name))
    await purser.fetch(`${ORIGIN}/v1/tea`)
    await new Promise((resolve) => setImmediate(resolve))
    return told
  }
  expect(await heard('1')).toEqual(['offer', 'payment', 'decision', 'payment', 'receipt', 'payment'])
  expect(await heard('0.01')).toEqual(['offer', 'payment', 'decision', 'refusal'])
})
