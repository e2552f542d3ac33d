import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
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

/** What was paid, or the refusal's code. */
async function paid(offers: readonly Asks[], prefer: readonly Asks['kind'][] = []): Promise<unknown> {
  const world = fakeWorld({
    wallets,
    prefer: prefer.flatMap((kind) => (kind === undefined ? [] : [kind])),
    policy: { perPayment: '0.40', vendors: [{ origin: 'https://api.shop.example', payees: 'any' }] },
  })
  const challenges = offers.map(offer)
  world.server.offers = () => challenges
  const reply = await world.pay().catch((error: unknown) => error)
  if (reply instanceof Error) return 'code' in reply ? reply.code : reply
  const [payment] = await world.payments()
  const fee = payment?.terms.fee?.usual.value ?? 0n
  return { kind: payment?.terms.kind, cost: (payment?.terms.most.value ?? 0n) + fee }
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
        // Of two kinds at the same cost and preference either may win; what it costs may not differ.
        expect(costOf(other)).toEqual(costOf(one))
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
    expect(await paid(offers, ['stripe/charge'])).toEqual({ kind: 'stripe/charge', cost: 90_000n })
    expect(await paid(offers)).toEqual({ kind: 'tempo/charge', cost: 50_000n })
  })

  it('is one that is simply allowed before one that a person must be asked for', async () => {
    const world = fakeWorld({
      wallets: [{ kinds: ['tempo/charge', 'evm/charge'] }],
      policy: { ask: [{ above: '0.04' }], perPayment: '1' },
      prefer: ['evm/charge'],
    })
    const preferred = offer({ cents: 5, kind: 'evm/charge' })
    const allowed = offer({ cents: 4 })
    world.server.offers = () => [preferred, allowed]
    await world.pay()
    expect([...world.rail.settled]).toEqual([allowed.id])
  })
})

function costOf(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'cost' in result ? result.cost : result
}
