import { describe, expect, it } from 'vitest'
import type { BehaviourName } from './behaviours.js'
import { against, type Payer, type SetUp } from './kit.js'

/** One cent, and the bound of the fee that the wallet may have to pay for it. */
const PAID = 3.06
const SPONSORED = 1

interface Expected {
  /** What two calls in a row came to: a status, or the code of an error and where the money is. */
  readonly calls: readonly [string, string]
  readonly signatures: number
  /** State, whether it was delivered, and how many credentials: newest first. */
  readonly payments: readonly string[]
  /** What the budget counts, in cents. */
  readonly counted: number
}

const refused = (code: string, payments: readonly string[] = ['denied']): Expected => ({
  calls: [`402 ${code} untouched`, `402 ${code} untouched`],
  signatures: 0,
  payments,
  counted: 0,
})

/** The 402 is handed on as it came. */
const ignored: Expected = { calls: ['402', '402'], signatures: 0, payments: [], counted: 0 }

/** A credential left, and nobody knows: it counts, and stands in the way of the same request. */
const doubt = (first: string, signatures = 1, counted = PAID): Expected => ({
  calls: [first, '402 payment_in_doubt unknown'],
  signatures,
  payments: [`committed ${signatures}`],
  counted,
})

const twice = (counted: number): Expected => ({
  calls: ['200', '200'],
  signatures: 2,
  payments: ['settled delivered 1', 'settled delivered 1'],
  counted,
})

/** Each call was answered, so each is a purchase of its own; nothing says for certain that it was paid: both count on. */
const unproven: Expected = {
  calls: ['200', '200'],
  signatures: 2,
  payments: ['committed delivered 1', 'committed delivered 1'],
  counted: 2 * PAID,
}

const LOST = 'payment_in_doubt unknown'

/** By the attack: what is asked for is asked twice, by the same request. */
const attacks: Readonly<Record<string, Partial<Record<BehaviourName, Expected>>>> = {
  'asks again after a payment': {
    // Two credentials for one nonce of one lane: see below.
    storm: doubt(LOST, 2),
    'storm-sponsored': doubt(LOST, 1, SPONSORED),
    escalate: doubt(LOST),
    divert: doubt(LOST),
    'divert-by-split': doubt(LOST),
  },
  'asks in a way that can be read in two ways': {
    decoy: refused('refused'),
    smuggle: ignored,
    'cookie-carrier': ignored,
    'price-in-words': refused('refused', []),
    'own-decimals': refused('refused'),
    'many-offers': twice(2 * PAID),
  },
  'asks for other money, or for somebody else': {
    'lookalike-token': refused('unknown_currency', []),
    'other-chain': refused('refused'),
    'other-payee-later': {
      calls: ['200', '402 refused untouched'],
      signatures: 1,
      payments: ['denied', 'settled delivered 1'],
      counted: PAID,
    },
    'split-later': {
      calls: ['200', '402 refused untouched'],
      signatures: 1,
      payments: ['denied', 'settled delivered 1'],
      counted: PAID,
    },
  },
  'sends callers elsewhere': {
    'redirect-to-402': ignored,
    'redirect-credential': doubt('307'),
    'redirect-credential-here': doubt('200'),
  },
  'takes the money and says that it did not': {
    'hang-up': doubt(LOST),
    'verification-failed': doubt(LOST),
    'server-error': doubt('500'),
    'not-paid': doubt(LOST, 2),
    'zip-bomb': doubt('500'),
  },
  'serves, and lies about what was paid': {
    'receipt-of-nothing': twice(2 * PAID),
    'no-receipt': unproven,
    'receipt-of-another': unproven,
    'receipt-of-failure': unproven,
    'receipt-of-nonsense': unproven,
  },
  'speaks to whoever reads its words': {
    talk: refused('refused'),
    'long-offer': refused('credential_too_large'),
  },
}

async function show(payer: Payer, path: string): Promise<string> {
  const { status, code, funds } = await payer.call(path)
  return [status, code, funds].filter((part) => part !== undefined).join(' ')
}

async function paymentsOf(payer: Payer): Promise<readonly string[]> {
  const all = await payer.payments()
  return all.map(({ state, delivered, attempts }) =>
    [state, ...(delivered ? ['delivered'] : []), ...(attempts.length === 0 ? [] : [attempts.length])].join(
      ' ',
    ),
  )
}

describe.each(Object.entries(attacks))('a server that %s', (_, table) => {
  it.each(Object.entries(table))('%s', async (name, expected) => {
    await using set = await against(name as BehaviourName)
    const { payer } = set
    const calls = [await show(payer, '/a'), await show(payer, '/a')]
    const got = {
      calls,
      signatures: payer.signatures,
      payments: await paymentsOf(payer),
      counted: await payer.counted(),
    }
    expect(got).toEqual(expected)
  })
})

describe('a server that asks again', () => {
  it('gets two credentials at the most, and both want the same nonce', async () => {
    await using set = await against('storm')
    await set.payer.call('/a')
    const [payment] = await set.payer.payments()
    const places = payment?.attempts.map(({ evidence: { detail } }) => {
      const { nonceKey, nonce } = Object(detail)
      return `${nonceKey} ${nonce}`
    })
    expect(places).toHaveLength(2)
    expect(new Set(places).size).toBe(1)
  })

  it('keeps getting the same credential while it lives, and no new one', async () => {
    await using set = await against('storm-sponsored')
    for (let call = 0; call < 5; call++) await set.payer.call('/a')
    expect(set.payer.signatures).toBe(1)
    expect(new Set(set.server.paid.map(({ credential }) => credential?.raw)).size).toBe(1)
  })

  it('gets nothing for another request in the same name', async () => {
    await using set = await against('storm-sponsored')
    const key = { headers: { 'idempotency-key': 'order-1' } }
    await set.payer.call('/a', key)
    expect((await set.payer.call('/b', key)).code).toBe('idempotency_conflict')
    expect(set.payer.signatures).toBe(1)
  })
})

describe('a lost answer', () => {
  it('is asked for again with the same credential and the same key', async () => {
    await using set = await against('hang-up-first')
    const { payer, server } = set
    expect((await payer.call('/a')).code).toBe('payment_in_doubt')
    expect((await payer.call('/a')).status).toBe(200)
    expect(payer.signatures).toBe(1)
    expect(new Set(server.paid.map(({ credential }) => credential?.raw)).size).toBe(1)
    expect(new Set(server.paid.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  })

  it('is not waited for beyond the caller, and the money counts on', async () => {
    await using set = await against('no-answer')
    const { payer } = set
    const got = await payer.call('/a', { signal: AbortSignal.timeout(300) })
    expect([got.code, got.funds]).toEqual(['payment_in_doubt', 'unknown'])
    expect([payer.signatures, await payer.counted()]).toEqual([1, PAID])
  })

  it('does not free the budget before the chain proves it, whatever the server says', async () => {
    const tight: SetUp = { policy: { budgets: [{ limit: '0.05 USD', per: 'day' }] } }
    await using set = await against('verification-failed', tight)
    const { payer } = set
    for (const path of ['/a', '/b', '/c', '/d']) await payer.call(path)
    expect([payer.signatures, await payer.counted()]).toEqual([1, PAID])
    payer.node.past = true
    await payer.purser.recover({ reconcile: true })
    expect(await payer.counted()).toBe(0)
    await payer.call('/e')
    expect(payer.signatures).toBe(2)
  })

  it('is void only by proof: a node that is down proves nothing', async () => {
    await using set = await against('hang-up')
    const { payer } = set
    await payer.call('/a')
    payer.node.down = true
    expect(await payer.purser.recover({ reconcile: true })).toMatchObject({ released: 0, open: 1 })
    expect(await payer.counted()).toBe(PAID)
  })
})

describe('a signed payment', () => {
  it('is for the amount, the token and the payee that were judged', async () => {
    await using set = await against('honest')
    const { payer } = set
    await payer.call('/a')
    const [payment] = await payer.payments()
    expect(payment?.terms.most).toEqual(payment?.attempts[0]?.terms.most)
    expect(payment?.attempts[0]?.evidence.detail).toMatchObject({
      transfers: [{ to: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', amount: '10000' }],
    })
  })

  it('lives for seconds, whatever the server asks for', async () => {
    await using set = await against('lives-a-year')
    await set.payer.call('/a')
    const [payment] = await set.payer.payments()
    const { validBefore } = Object(payment?.attempts[0]?.evidence.detail)
    expect(validBefore * 1000).toBeLessThanOrEqual(Date.now() + 25_000)
  })
})

describe('a price', () => {
  it('that jumps after it was low for a while is asked about', async () => {
    await using set = await against('dear-later', { policy: { ask: [{ priceJump: '3' }] } })
    const { payer } = set
    const calls: string[] = []
    for (let call = 0; call < 6; call++) calls.push(await show(payer, '/a'))
    expect(calls).toEqual(['200', '200', '200', '200', '402 refused untouched', '402 refused untouched'])
    expect(payer.signatures).toBe(4)
  })
})
