import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PaymentError } from '../../src/errors/index.js'
import type { OfferKind } from '../../src/protocol/index.js'
import { type Asks, offer } from './peers.js'
import { fakeWorld } from './world.js'

const asks: fc.Arbitrary<Asks> = fc.record({
  cents: fc.integer({ min: 1, max: 60 }),
  fee: fc.integer({ min: 0, max: 5 }),
  kind: fc.constantFrom('tempo/charge', 'evm/charge', 'stripe/charge'),
  payee: fc.constantFrom('0xaa', '0xbb'),
})

const wallets = [
  { id: 'a', kinds: ['tempo/charge', 'evm/charge'] as const },
  { id: 'b', kinds: ['stripe/charge'] as const },
]

/** The payment, or the code of the refusal. */
async function paid(offers: readonly Asks[], prefer: readonly OfferKind[] = []): Promise<unknown> {
  const world = fakeWorld({
    wallets,
    prefer: prefer.map((kind) => ({ kind })),
    policy: { perPayment: '0.40', vendors: [{ origin: 'https://api.shop.example', payees: 'any' }] },
  })
  const challenges = offers.map(offer)
  world.server.offers = () => challenges
  const reply = await world.pay().catch((error: unknown) => error)
  if (reply instanceof Error) return 'code' in reply ? reply.code : reply
  const [payment] = await world.payments()
  const fee = payment?.terms.fee?.usual.value ?? 0n
  return {
    kind: payment?.terms.kind,
    payee: payment?.terms.payees[0]?.id,
    cost: (payment?.terms.most.value ?? 0n) + fee,
  }
}

describe('which offer is paid', () => {
  it('does not depend on the order the server lists them in', async () => {
    const both = fc
      .array(asks, { minLength: 1, maxLength: 6 })
      .chain((offers) =>
        fc.tuple(
          fc.constant(offers),
          fc.shuffledSubarray(offers, { minLength: offers.length }),
          fc.subarray(['tempo/charge', 'stripe/charge'] as const),
        ),
      )
    await fc.assert(
      fc.asyncProperty(both, async ([offers, shuffled, prefer]) => {
        const one = await paid(offers, prefer)
        const other = await paid(shuffled, prefer)
        expect(other).toEqual(one)
      }),
      { numRuns: 60 },
    )
  })

  it('is the cheapest that policy allows, fees included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(asks, { minLength: 1, maxLength: 6 }), async (offers) => {
        const allowed = offers.filter(({ cents = 0 }) => cents <= 40)
        const costs = allowed.map(({ cents = 0, fee = 0 }) => BigInt(cents + fee) * 10_000n)
        const least = costs.reduce<bigint | undefined>(
          (min, cost) => (min === undefined || cost < min ? cost : min),
          undefined,
        )
        expect(costOf(await paid(offers))).toEqual(least ?? 'refused')
      }),
      { numRuns: 60 },
    )
  })

  it('is one of the preferred kind, even if it is dearer', async () => {
    const offers = [{ cents: 5 }, { cents: 9, kind: 'stripe/charge' as const }, { cents: 7 }]
    expect(await paid(offers, ['stripe/charge'])).toMatchObject({ kind: 'stripe/charge', cost: 90_000n })
    expect(await paid(offers)).toMatchObject({ kind: 'tempo/charge', cost: 50_000n })
  })

  it('is an allowed one before one that needs an approval', async () => {
    const world = fakeWorld({
      wallets: [{ kinds: ['tempo/charge', 'evm/charge'] }],
      policy: { ask: [{ above: '0.04' }], perPayment: '1' },
      prefer: [{ kind: 'evm/charge' }],
    })
    const preferred = offer({ cents: 5, kind: 'evm/charge' })
    const allowed = offer({ cents: 4 })
    world.server.offers = () => [preferred, allowed]
    await world.pay()
    expect([...world.rail.settled]).toEqual([allowed.id])
  })

  it('is never of a kind that is ruled out, and the refusal says so', async () => {
    const world = fakeWorld({
      wallets,
      prefer: [
        { kind: 'tempo/*', q: 0 },
        { kind: 'stripe/charge', q: 0.1 },
      ],
    })
    const cheap = offer({ cents: 1 })
    const other = offer({ cents: 9, kind: 'stripe/charge' })
    world.server.offers = () => [cheap, other]
    await world.pay()
    expect([...world.rail.settled]).toEqual([other.id])
    world.server.offers = () => [cheap]
    const error = await world.fails({ path: '/coffee' })
    expect(error.reasons.map(({ message }) => message)).toEqual([
      'Payments by tempo/charge are ruled out by the preferences of this purser',
    ])
    expect(world.wallets.map(({ signed }) => signed.length)).toEqual([0, 1])
  })
})

describe('a wallet that cannot pay', () => {
  const poor = async () => ({ unpayable: 'The account holds nothing', code: 'insufficient_funds' }) as const

  it('is left out before anything is signed or a person is asked', async () => {
    const asked: string[] = []
    const world = fakeWorld({
      wallets,
      policy: { perPayment: '1', ask: [{ above: '0.01' }] },
      approver: async ({ terms }) => {
        asked.push(terms.kind)
        return { approved: true, by: 'ann' }
      },
    })
    const [first] = world.wallets
    if (first) first.hooks.quote = poor
    world.server.offers = () => [offer({ cents: 2 }), offer({ cents: 9, kind: 'stripe/charge' })]
    await world.pay()
    expect(asked).toEqual(['stripe/charge'])
    expect(world.wallets.map(({ signed }) => signed.length)).toEqual([0, 1])
  })

  it('causes no question if no other wallet can pay', async () => {
    let asked = 0
    const world = fakeWorld({
      policy: { perPayment: '1', ask: [{ above: '0.01' }] },
      approver: async () => {
        asked++
        return { approved: true, by: 'ann' }
      },
    })
    world.wallet.hooks.quote = poor
    expect(await world.fails()).toMatchObject({ code: 'insufficient_funds', funds: 'untouched' })
    expect(asked).toBe(0)
  })

  it('is followed by the next rail while the money is safe', async () => {
    const world = fakeWorld({ wallets })
    const [first] = world.wallets
    if (first)
      first.hooks.prepare = async () => {
        throw new PaymentError('insufficient_funds', 'untouched', 'The account holds nothing')
      }
    const other = offer({ cents: 9, kind: 'stripe/charge' })
    world.server.offers = () => [offer({ cents: 2 }), other]
    await world.pay()
    expect([...world.rail.settled]).toEqual([other.id])
    expect(await world.payments()).toHaveLength(1)
  })

  it('is followed by no other rail once money may have moved', async () => {
    const world = fakeWorld({ wallets })
    const [first, second] = world.wallets
    if (first)
      first.hooks.complete = async () => {
        throw new PaymentError('insufficient_funds', 'untouched', 'It says that nothing was taken')
      }
    world.server.offers = () => [offer({ cents: 2 }), offer({ cents: 9, kind: 'stripe/charge' })]
    const error = await world.fails()
    expect(['committed', 'unknown']).toContain(error.funds)
    expect(second?.signed).toHaveLength(0)
    expect(await world.payments()).toMatchObject([{ state: 'committed', terms: { kind: 'tempo/charge' } }])
  })
})

function costOf(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'cost' in result ? result.cost : result
}
