import { afterEach, describe, expect, it } from 'vitest'
import { FAULTS } from '../../src/testing/faults.js'
import { type FaultName, paidApi, type TestPurser } from '../../src/testing/index.js'
import { closeAll, endOf, ORIGIN, purserOf, SEARCH, server } from './kit.js'

const msw = server()
afterEach(closeAll)

interface Expected {
  /** The status that the caller gets, or the code of its error. */
  readonly ends: number | string
  /** The sum that the server took. */
  readonly taken: string
  /** The sums that the ledger counts as paid, and as set aside. */
  readonly paid: string
  readonly held: string
  readonly signatures: number
  /** The sum that the ledger counts as paid a minute later. Then nothing is set aside. */
  readonly later: string
}

const CENT = '0.01 USD'
const NOTHING = '0 USD'
const PAID = { taken: CENT, paid: CENT, held: NOTHING, signatures: 1, later: CENT }
const FREE = { taken: NOTHING, paid: NOTHING, held: NOTHING, signatures: 0, later: NOTHING }
const DOUBT_TAKEN = { taken: CENT, paid: NOTHING, held: CENT, signatures: 1, later: CENT }
const DOUBT_FREE = { taken: NOTHING, paid: NOTHING, held: CENT, signatures: 1, later: NOTHING }

const CASES: Readonly<Record<FaultName, readonly [sentence: string, expected: Expected]>> = {
  'loses-answer': [
    'the payment is found on the network, and the caller learns that it paid and got nothing',
    { ends: 'paid_not_delivered', ...PAID },
  ],
  'loses-request': ['the same credential is sent again and pays once', { ends: 200, ...PAID }],
  hangs: [
    'a caller who stops waiting learns that the outcome is unknown; the payment is found later',
    { ends: 'payment_in_doubt', ...DOUBT_TAKEN },
  ],
  'breaks-off': ['the payment counts, and the caller gets half a body', { ends: 200, ...PAID }],
  'fails-after-payment': [
    'the caller gets the 500, and the payment is found on the network',
    { ends: 500, ...PAID },
  ],
  'fails-before-payment': [
    'the caller gets the 500, and the budget comes back when the credential has expired',
    { ends: 500, ...DOUBT_FREE },
  ],
  busy: ['the same credential is sent again and pays once', { ends: 200, ...PAID }],
  'rotates-challenge': [
    'a second credential replaces the first, and only one of them can be taken',
    { ends: 200, ...PAID, signatures: 2 },
  ],
  'always-402': [
    'two credentials are the most that a call signs, and the budget comes back when they have expired',
    { ends: 'payment_in_doubt', ...DOUBT_FREE, signatures: 2 },
  ],
  'takes-and-asks-again': [
    'the payment is found on the network, and nothing is signed a second time',
    { ends: 'paid_not_delivered', ...PAID },
  ],
  'raises-price': [
    'the higher price is not paid in the same call',
    { ends: 'payment_in_doubt', ...DOUBT_FREE },
  ],
  'no-receipt': [
    'the caller gets the answer, and the network proves the payment later',
    { ends: 200, ...DOUBT_TAKEN },
  ],
  'wrong-receipt': [
    'the receipt is not believed, and the network proves the payment later',
    { ends: 200, ...DOUBT_TAKEN },
  ],
  'redirects-after-payment': [
    'the redirect is not followed to the other origin, and the payment is found on the network',
    { ends: 307, ...PAID },
  ],
  'no-offer': ['the caller gets the 402, and nothing is signed', { ends: 402, ...FREE }],
  'unreadable-offer': ['the caller gets the 402, and nothing is signed', { ends: 402, ...FREE }],
  'expired-offer': ['the offer of x402 is paid, which has no end', { ends: 200, ...PAID }],
  'changes-payee': ['the first payee is paid', { ends: 200, ...PAID }],
  'dearer-each-time': ['the first price is paid', { ends: 200, ...PAID }],
}

describe('what Purser does with a server that has the fault', () => {
  it.each(Object.entries(CASES).map(([name, [sentence, expected]]) => [name, sentence, expected] as const))(
    '%s: %s',
    async (name, _, expected) => {
      const fault = nameOf(name)
      const api = await paidApi({ [SEARCH]: { price: CENT, fault } })
      msw.use(...api.handlers)
      const test = purserOf()
      const init = fault === 'hangs' ? { signal: AbortSignal.timeout(50) } : {}
      const ends = await endOf(test.purser.fetch(`${ORIGIN}/search`, init))
      expect({ ends, taken: api.taken(), ...(await books(test)) }).toEqual({ ...expected, later: undefined })
      await test.advance('1m')
      expect(await books(test)).toMatchObject({ paid: expected.later, held: NOTHING })
      // After the doubt has ended, the ledger counts exactly the sum that the server took.
      expect(await test.paid()).toBe(api.taken())
    },
  )
})

async function books(test: TestPurser) {
  return { paid: await test.paid(), held: await test.held(), signatures: test.wallet.signatures }
}

function nameOf(name: string): FaultName {
  const found = Object.keys(FAULTS).find((one): one is FaultName => one === name)
  if (found === undefined) throw new TypeError(name)
  return found
}

describe('a fault', () => {
  it('ends after the number of times that the test names', async () => {
    const api = await paidApi({ [SEARCH]: { price: CENT, fault: { name: 'fails-after-payment', times: 1 } } })
    msw.use(...api.handlers)
    const { purser } = purserOf()
    expect((await purser.fetch(`${ORIGIN}/search?q=1`)).status).toBe(500)
    expect((await purser.fetch(`${ORIGIN}/search?q=2`)).status).toBe(200)
    expect(api.taken()).toBe('0.02 USD')
  })

  it('begins and ends when the test says so', async () => {
    const api = await paidApi({ [SEARCH]: CENT })
    msw.use(...api.handlers)
    const { purser } = purserOf()
    api.change(SEARCH, { fault: 'fails-after-payment' })
    expect((await purser.fetch(`${ORIGIN}/search?q=1`)).status).toBe(500)
    api.change(SEARCH, { fault: undefined })
    expect((await purser.fetch(`${ORIGIN}/search?q=2`)).status).toBe(200)
  })

  it('must be one that exists', async () => {
    const api = await paidApi({ [SEARCH]: CENT })
    expect(() => Reflect.apply(api.change, api, [SEARCH, { fault: 'looses-answer' }])).toThrow(
      /There is no fault 'looses-answer': use loses-answer, /,
    )
    expect(() => api.change(SEARCH, { fault: { name: 'hangs', times: 0 } })).toThrow(/at least once/)
  })

  it('rotates a challenge: of the two credentials only the second is ever taken', async () => {
    const api = await paidApi({ [SEARCH]: { price: CENT, fault: 'rotates-challenge' } })
    msw.use(...api.handlers)
    const sent: Headers[] = []
    msw.events.on('request:start', ({ request }) => void sent.push(request.headers))
    expect((await purserOf().purser.fetch(`${ORIGIN}/search`)).status).toBe(200)
    const [, first] = sent
    if (first === undefined) throw new Error('nothing was sent')
    expect((await fetch(`${ORIGIN}/search`, { headers: first })).status).toBe(402)
    expect(api.refusals().at(-1)?.reason).toBe('Another credential took the place of this one.')
    expect(api.taken()).toBe(CENT)
    msw.events.removeAllListeners()
  })

  it('loses an answer that a server with idempotency keys gives again', async () => {
    const api = await paidApi({ [SEARCH]: { price: CENT, fault: 'loses-answer' } }, { repeats: 'answered' })
    msw.use(...api.handlers)
    const test = purserOf()
    expect((await test.purser.fetch(`${ORIGIN}/search`)).status).toBe(200)
    expect([api.taken(), await test.paid(), test.wallet.signatures]).toEqual([CENT, CENT, 1])
    expect(api.requests()).toBe(3)
  })

  it('raises the price above the policy: the call pays nothing more', async () => {
    const api = await paidApi({ [SEARCH]: { price: '0.05 USD', fault: 'dearer-each-time' } })
    msw.use(...api.handlers)
    const test = purserOf()
    const ends = []
    for (const query of ['a', 'b', 'c'])
      ends.push(await endOf(test.purser.fetch(`${ORIGIN}/search?q=${query}`)))
    expect(ends).toEqual([200, 200, 402])
    expect(api.taken()).toBe('0.15 USD')
    expect((await test.refusals())[0]?.reasons[0]?.message).toContain('0.15 USD')
  })

  it('names another payee: the pinned payee stays the only one', async () => {
    const offers = ['tempo/charge'] as const
    const api = await paidApi({ [SEARCH]: { price: CENT, offers, fault: 'changes-payee' } })
    msw.use(...api.handlers)
    const test = purserOf()
    expect(await endOf(test.purser.fetch(`${ORIGIN}/search?q=a`))).toBe(200)
    expect(await endOf(test.purser.fetch(`${ORIGIN}/search?q=b`))).toBe(402)
    expect(test.wallet.signatures).toBe(1)
  })
})
