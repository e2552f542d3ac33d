import type { Address } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import {
  createPurser,
  isPaymentError,
  type OfferKind,
  type Payment,
  type PolicyDocument,
  type Purser,
  token,
} from '../../src/index.js'
import { evm } from '../../src/wallet/evm/index.js'
import { stripe } from '../../src/wallet/stripe/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { ACCOUNTS, addressOf, alphaUSD, type Chain, startChain } from '../chain/chain.js'
import * as Evm from '../evm/chain.js'
import { type ComposedShop, startComposedShop } from '../rails/composed.js'
import { type Ask, ordersOf, pathOf, RAILS, type RailName } from '../rails/offers.js'
import { evmRail, inTurn, stripeRail, tempoRail, x402Rail } from '../rails/rails.js'
import { type RailsShop, startShop } from '../rails/shop.js'
import { type StripeDouble, startStripe } from '../stripe/double.js'
import { METHODS } from '../stripe/tokens.js'
import { clientOf } from '../stripe/world.js'

// One shop, four rails, one 402: what is offered by unmodified servers is paid on real chains and at Stripe's double.

const KINDS: Readonly<Record<RailName, OfferKind>> = {
  tempo: 'tempo/charge',
  stripe: 'stripe/charge',
  evm: 'evm/charge',
  x402: 'x402/exact',
}
/** Smallest parts of a dollar on either chain in a cent. */
const PARTS = 10_000n
/** Counters count at nine decimals. */
const UNITS = 10_000_000n

/** Not the other chain's: both start as 31337. */
const TEMPO_ID = 31_338
const onTempoDollar = token(`eip155:${TEMPO_ID}`, addressOf(alphaUSD), {
  symbol: 'AlphaUSD',
  decimals: 6,
  peg: 'iso4217:USD',
})

let chain: Chain
let plain: Evm.EvmChain
let double: StripeDouble
let shop: RailsShop
let composed: ComposedShop
const payees: Readonly<Record<'evm' | 'x402', Address>> = {
  evm: privateKeyToAddress(generatePrivateKey()),
  x402: privateKeyToAddress(generatePrivateKey()),
}

beforeAll(async () => {
  ;[chain, plain, double] = await Promise.all([startChain([], TEMPO_ID), Evm.startEvmChain(), startStripe()])
  const turn = inTurn()
  shop = await startShop([
    tempoRail(chain),
    stripeRail(double),
    evmRail(plain, payees.evm, turn),
    await x402Rail(plain, payees.x402, turn),
  ])
  composed = await startComposedShop({ tempo: chain, stripe: double, evm: plain, payee: payees.evm, turn })
}, 60_000)

afterAll(async () => {
  await Promise.all([shop?.close(), composed?.close()])
  await Promise.all([chain?.stop(), plain?.stop(), double?.close()])
})

interface BuyerOptions {
  readonly policy?: PolicyDocument
  readonly prefer?: readonly OfferKind[]
}

interface Buyer {
  readonly purser: Purser
  payments(): Promise<Payment[]>
}

async function buyer({ policy, prefer }: BuyerOptions = {}): Promise<Buyer> {
  const [onTempo, onPlain] = await Promise.all([chain.account(20_000_000n), plain.account(20_000_000n)])
  const purser = createPurser({
    wallets: [
      tempo({ account: onTempo, rpc: { [chain.id]: chain.url } }),
      stripe({ client: clientOf(double), paymentMethod: METHODS.works, livemode: false }),
      evm({
        account: onPlain,
        rpc: { [Evm.CHAIN_ID]: plain.url },
      }),
    ],
    policy: {
      perPayment: '1',
      budgets: [{ limit: '20', per: 'day' }],
      vendors: [shop.origin, composed.origin].map((origin) => ({ origin, payees: 'any' as const })),
      networks: [`eip155:${TEMPO_ID}`, Evm.NETWORK, 'stripe:test'],
      ...policy,
    },
    currencies: [onTempoDollar, plain.dollar],
    ledger: memoryLedger(),
    patience: 1_000,
    ...(prefer ? { prefer } : {}),
  })
  onTestFinished(() => purser.close())
  return {
    purser,
    async payments() {
      const all: Payment[] = []
      for await (const payment of purser.payments({ order: 'oldest' })) all.push(payment)
      return all
    },
  }
}

type Tills = Readonly<Record<RailName, bigint>>

/** What the shop has on each rail, in smallest parts of a dollar, as the rails themselves have it. */
async function tills(): Promise<Tills> {
  const [onTempo, byEvm, byX402] = await Promise.all([
    chain.balanceOf(alphaUSD, ACCOUNTS.payee.address),
    plain.balanceOf(payees.evm),
    plain.balanceOf(payees.x402),
  ])
  const cents = double.intents.reduce(
    (sum, { status, amount }) => sum + (status === 'succeeded' ? amount : 0),
    0,
  )
  return { tempo: onTempo, stripe: BigInt(cents) * PARTS, evm: byEvm, x402: byX402 }
}

/** What came in meanwhile, in cents. */
function since(before: Tills, after: Tills): Record<RailName, number> {
  const cents = (rail: RailName): number => {
    const parts = after[rail] - before[rail]
    if (parts % PARTS !== 0n) throw new Error('a part of a cent moved')
    return Number(parts / PARTS)
  }
  return { tempo: cents('tempo'), stripe: cents('stripe'), evm: cents('evm'), x402: cents('x402') }
}

/** What the ledger says was spent on each rail, in cents. */
function booked(payments: readonly Payment[]): Record<RailName, number> {
  const sums = { tempo: 0, stripe: 0, evm: 0, x402: 0 }
  for (const { terms, state, units } of payments) {
    if (state !== 'settled') continue
    const rail = RAILS.find((each) => KINDS[each] === terms.kind)
    if (rail === undefined || units % UNITS !== 0n) throw new Error('the ledger counts what no rail moves')
    sums[rail] += Number(units / UNITS)
  }
  return sums
}

describe('one 402 with four rails', () => {
  const prices: Readonly<Record<RailName, number>> = { tempo: 60, stripe: 60, evm: 60, x402: 60 }
  const asks = (names: readonly RailName[], cents = prices): Ask[] =>
    names.map((rail) => ({ rail, cents: cents[rail] }))

  test('shows all of them, each as its own server makes it', async () => {
    const { purser } = await buyer()
    const { offers } = await purser.quote(`${shop.origin}${pathOf(asks(RAILS))}`)
    expect(offers.map(({ terms }) => terms?.kind).sort()).toEqual(Object.values(KINDS).sort())
    expect(offers.map(({ decision }) => decision?.effect)).toEqual(['allow', 'allow', 'allow', 'allow'])
  })

  test.each(RAILS)(
    'the cheapest is taken, here %s, in every order',
    { timeout: 120_000 },
    async (cheapest) => {
      const { purser, payments } = await buyer()
      const before = await tills()
      const cents = { ...prices, [cheapest]: 55 }
      for (const order of ordersOf(RAILS)) {
        const response = await purser.fetch(`${shop.origin}${pathOf(asks(order, cents))}`)
        expect(await response.json()).toMatchObject({ rail: cheapest })
      }
      const paid = { tempo: 0, stripe: 0, evm: 0, x402: 0, [cheapest]: 24 * 55 }
      expect(since(before, await tills())).toEqual(paid)
      expect(booked(await payments())).toEqual(paid)
      expect(shop.faults).toEqual([])
    },
  )

  test('where all cost the same, one of them is taken in every order', { timeout: 120_000 }, async () => {
    const { purser } = await buyer()
    const taken = new Set<unknown>()
    for (const order of ordersOf(RAILS)) {
      const response = await purser.fetch(`${shop.origin}${pathOf(asks(order))}`)
      const { rail } = await response.json()
      taken.add(rail)
    }
    expect(taken.size).toBe(1)
  })

  test.each(RAILS)('the one that is liked is taken although it costs more, here %s', async (liked) => {
    const { purser } = await buyer({ prefer: [KINDS[liked]] })
    for (const order of [RAILS, [...RAILS].reverse()]) {
      const response = await purser.fetch(`${shop.origin}${pathOf(asks(order, { ...prices, [liked]: 80 }))}`)
      expect(await response.json()).toMatchObject({ rail: liked })
    }
  })

  test.each(RAILS)(
    'what the reference server composes by itself is paid by %s where that is liked',
    async (liked) => {
      const { purser, payments } = await buyer({ prefer: [KINDS[liked]] })
      const before = await tills()
      const response = await purser.fetch(`${composed.origin}/60`)
      expect(await response.json()).toEqual({ rail: liked })
      // It has one till for both ways to pay on that chain.
      const till = liked === 'x402' ? 'evm' : liked
      expect(since(before, await tills())).toEqual({ tempo: 0, stripe: 0, evm: 0, x402: 0, [till]: 60 })
      expect(booked(await payments())).toEqual({ tempo: 0, stripe: 0, evm: 0, x402: 0, [liked]: 60 })
    },
  )
})

describe('a rail that has a credential', () => {
  const cents = 60
  const path = pathOf(RAILS.map((rail) => ({ rail, cents })))
  const cases = RAILS.flatMap((rail) =>
    (['asks_again', 'breaks', 'ignores'] as const).map((fault) => [rail, fault] as const),
  )

  test.each(cases)(
    'is the only one that is paid: %s, and the shop %s',
    { timeout: 60_000 },
    async (rail, fault) => {
      const { purser, payments } = await buyer({ prefer: [KINDS[rail]] })
      const before = await tills()
      shop.fail(fault)
      const call = purser.fetch(`${shop.origin}${path}`, { payment: { idempotencyKey: 'one cup' } })
      await call.catch((error: unknown) => {
        if (!isPaymentError(error)) throw error
      })
      // The same purchase once more: whatever became of the first, it is not paid for on another rail.
      const again = purser.fetch(`${shop.origin}${path}`, { payment: { idempotencyKey: 'one cup' } })
      await again.catch((error: unknown) => {
        if (!isPaymentError(error)) throw error
      })
      const paid = since(before, await tills())
      const other = { tempo: 0, stripe: 0, evm: 0, x402: 0 }
      if (fault === 'ignores') expect([0, cents]).toContain(paid[rail])
      else expect(paid[rail]).toBe(cents)
      expect({ ...paid, [rail]: 0 }).toEqual(other)
      // One payment, on one rail, that counts for no less than was taken.
      const all = await payments()
      expect(new Set(all.flatMap(({ attempts }) => attempts.map(({ terms }) => terms.kind)))).toEqual(
        new Set([KINDS[rail]]),
      )
      const counted = all.reduce((sum, { units }) => sum + units, 0n)
      expect([BigInt(paid[rail]) * UNITS, BigInt(cents) * UNITS]).toContain(counted)
      expect(counted).toBeGreaterThanOrEqual(BigInt(paid[rail]) * UNITS)
      expect(shop.faults).toEqual([])
    },
  )
})

test('one day has five dollars, whatever they are spent on', { timeout: 240_000 }, async () => {
  const { purser, payments } = await buyer({ policy: { budgets: [{ limit: '5', per: 'day' }] } })
  const before = await tills()
  /** Many at once, each on one rail. How many were paid. */
  const wave = async (asks: readonly Ask[]): Promise<number> => {
    const replies = await Promise.all(asks.map((ask) => purser.fetch(`${shop.origin}${pathOf([ask])}`)))
    for (const reply of replies)
      if (reply.status !== 200)
        expect(await reply.json()).toMatchObject({ code: 'refused', reasons: [{ rule: 'budget.day' }] })
    return replies.filter(({ status }) => status === 200).length
  }
  const left = async (): Promise<number> => {
    const [budget] = await purser.budgets()
    if (budget === undefined || budget.held !== 0n) throw new Error('something is still held')
    return Number(budget.remaining / UNITS)
  }

  // Together far more than there is: 10 times 7, 50, 13 and 11 cents would be 8.10.
  const cents: Readonly<Record<RailName, number>> = { tempo: 7, stripe: 50, evm: 13, x402: 11 }
  const some = RAILS.flatMap((rail) => Array.from({ length: 10 }, () => ({ rail, cents: cents[rail] })))
  await wave(mixed(some))
  expect(await left()).toBeLessThan(50)
  // What is left goes cent by cent, and a cent more is refused on every rail.
  const rest = await left()
  const single = (['tempo', 'evm', 'x402'] as const).flatMap((rail) =>
    Array.from({ length: rest }, () => ({ rail, cents: 1 })),
  )
  expect(await wave(mixed(single))).toBe(rest)
  expect(await left()).toBe(0)
  expect(await wave(RAILS.map((rail) => ({ rail, cents: rail === 'stripe' ? 50 : 1 })))).toBe(0)

  const paid = since(before, await tills())
  expect(Object.values(paid).reduce((sum, each) => sum + each)).toBe(500)
  expect(booked(await payments())).toEqual(paid)
  expect(shop.faults).toEqual([])
})

/** Shuffled, the same way each time. */
function mixed<T>(all: readonly T[]): readonly T[] {
  return all
    .map((each, at) => ({ each, key: (at * 7_919) % all.length }))
    .sort((a, b) => a.key - b.key)
    .map(({ each }) => each)
}
