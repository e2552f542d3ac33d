import { describe, expect, it } from 'vitest'
import { amount, CURRENCIES } from '../../src/money/index.js'
import { runRecovery } from '../../src/pay/index.js'
import type { OfferKind } from '../../src/protocol/index.js'
import type { AcceptedCredential, Prepared } from '../../src/wallet/index.js'
import { offer, resource, termsOf } from './peers.js'
import { type FakeWorld, fakeWorld, type WorldOptions } from './world.js'

const MPP: OfferKind = 'evm/charge'
const X402: OfferKind = 'x402/exact'
const cents = (n: number) => amount(BigInt(n) * 10_000n, CURRENCIES.pathUSD)

/** One wallet that pays on both rails with the same nonce. */
const BOTH: WorldOptions = { wallets: [{ kinds: [MPP, X402], lanes: ['nonce'] }] }

const signatures = (world: FakeWorld): number =>
  world.wallets.reduce((sum, { signed }) => sum + signed.length, 0)

/** Takes the credential, denies that, and asks for money on another rail. */
function switchesTo(world: FakeWorld, kind: OfferKind): void {
  world.server.offers = () => [offer({ kind: world.server.credentials.length === 0 ? MPP : kind })]
  world.server.paid = (outgoing) => {
    world.server.take(outgoing)
    return world.server.ask()
  }
}

/** While this is set, nothing is proven. */
function provesNothing(world: FakeWorld): void {
  for (const { hooks } of world.wallets)
    hooks.inspect = async ({ recheckAt = 0 }) => ({ state: 'pending', recheckAt, reason: 'not yet' })
}

describe('a server that asks on another rail', () => {
  it.each([
    ['of the same wallet, while the first credential may settle', BOTH],
    ['of the same wallet, where nothing takes the place of the first', { wallets: [{ kinds: [MPP, X402] }] }],
    ['of another wallet', { wallets: [{ kinds: [MPP] }, { id: 'fake:2', kinds: [X402] }] }],
  ])('%s, gets no second credential', async (_, options) => {
    const world = fakeWorld(options)
    provesNothing(world)
    switchesTo(world, X402)
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect([signatures(world), world.server.credentials.length, await world.counted()]).toEqual([1, 1, 10])
  })

  it('gets none if the first is proven void by the wallet that made it', async () => {
    const world = fakeWorld({ wallets: [{ kinds: [MPP, X402] }] })
    world.server.offers = () => [offer({ kind: world.server.credentials.length === 0 ? MPP : X402 })]
    world.server.paid = () => world.server.ask()
    expect(await world.fails()).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect([signatures(world), await world.counted()]).toEqual([1, 0])
  })

  it('and also on the first rail gets the credential that replaces it', async () => {
    const world = fakeWorld(BOTH)
    provesNothing(world)
    world.server.offers = () => [offer({ kind: X402, cents: 1 }), offer({ kind: MPP })]
    Object.assign(world.env, { prefer: [{ kind: MPP }] })
    world.server.paid = (outgoing, turn) => (turn === 1 ? world.server.ask() : world.server.take(outgoing))
    await world.pay()
    const [first, second] = world.wallet.signed
    expect(second?.quote.terms.kind).toBe(MPP)
    expect(second?.quote.replaces).toEqual(first?.lane)
    expect([signatures(world), world.rail.settled.size, await world.counted()]).toEqual([2, 1, 10])
  })

  it('may get the same request later: the call gets the doubt, and pays on no rail', async () => {
    const world = fakeWorld(BOTH)
    provesNothing(world)
    switchesTo(world, X402)
    await world.fails()
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt' })
    // The other process can prove that it settled.
    expect(await world.neighbour().fails()).toMatchObject({ code: 'paid_not_delivered' })
    expect([signatures(world), await world.counted()]).toEqual([1, 10])
  })
})

describe('a wallet that was not written for second credentials', () => {
  it('makes none if its quote does not name what it replaces', async () => {
    const world = fakeWorld()
    provesNothing(world)
    world.wallet.hooks.quote = async (challenge) => ({
      wallet: 'fake:1',
      challenge,
      resource: resource(),
      terms: termsOf(challenge),
    })
    switchesTo(world, MPP)
    world.server.offers = () => [offer()]
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect([signatures(world), await world.counted()]).toEqual([1, 10])
  })

  it('pays nothing if its evidence names another wallet', async () => {
    const world = fakeWorld({ wallets: [{}, { id: 'fake:2', kinds: [X402] }] })
    const { prepare } = world.wallet
    Object.assign(world.wallet, {
      prepare: async (...args: Parameters<typeof prepare>): Promise<Prepared> => {
        const prepared = await prepare(...args)
        return { ...prepared, evidence: { ...prepared.evidence, wallet: 'fake:2' } }
      },
    })
    expect(await world.fails()).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect([world.server.credentials.length, await world.counted()]).toEqual([0, 0])
  })
})

describe('decoys', () => {
  it('a cheap offer that fails after signing is not followed by a dearer one', async () => {
    const world = fakeWorld(BOTH)
    provesNothing(world)
    world.server.offers = () => [offer({ kind: X402, cents: 1 }), offer({ kind: MPP, cents: 90 })]
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      const dear = [offer({ kind: MPP, cents: 90 }), offer({ kind: X402, cents: 2 })]
      return { reading: { kind: 'payment-required', at: resource(), offers: dear } }
    }
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt' })
    expect([signatures(world), world.rail.settled.size, await world.counted()]).toEqual([1, 1, 1])
  })

  it.each([1, 2, 5])(
    'with %i more offers, a completion that fails is not tried on the next one',
    async (more) => {
      const world = fakeWorld(BOTH)
      let started = 0
      world.wallet.hooks.complete = async () => {
        started++
        throw new Error('cut off')
      }
      world.server.offers = () => [
        offer({ kind: MPP, cents: 1 }),
        ...Array.from({ length: more }, (_, n) => offer({ kind: X402, cents: 2 + n })),
      ]
      expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
      expect([started, signatures(world), await world.counted()]).toEqual([1, 1, 1])
    },
  )

  it('after an offer that cannot be prepared the next one is tried, and only one credential leaves', async () => {
    const world = fakeWorld(BOTH)
    world.wallet.hooks.prepare = async ({ quote }) => {
      if (quote.terms.kind === X402) throw new Error('no')
    }
    world.server.offers = () => [offer({ kind: X402, cents: 1 }), offer({ kind: MPP, cents: 2 })]
    await world.pay()
    expect([signatures(world), world.server.credentials.length, await world.counted()]).toEqual([1, 1, 2])
  })
})

describe('a settlement', () => {
  const pending = { type: 'https://paymentauth.org/problems/settlement-pending', title: 'Pending' }

  it('that the server reports as pending again and again gets at most two credentials, of which one can settle', async () => {
    const world = fakeWorld(BOTH)
    provesNothing(world)
    world.server.offers = () => [offer({ kind: MPP })]
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      return {
        reading: {
          kind: 'payment-required',
          at: resource(),
          offers: [offer({ kind: MPP })],
          problem: pending,
        },
      }
    }
    for (let call = 0; call < 4; call++)
      expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    const places = new Set(world.server.credentials.map(({ credential }) => credential?.payload['place']))
    expect([signatures(world), places.size, world.rail.settled.size]).toEqual([2, 1, 1])
    expect(await world.counted()).toBe(10)
  })

  it.each(['payment-required', 'response'] as const)(
    'that failed by a receipt in a %s gives nothing back',
    async (how) => {
      const world = fakeWorld({ wallets: [{ kinds: [MPP] }] })
      provesNothing(world)
      world.server.offers = () => [offer({ kind: MPP })]
      world.server.paid = (outgoing) => {
        world.server.take(outgoing)
        const receipt = { success: false, claims: { errorReason: 'insufficient_funds' } }
        const reading =
          how === 'payment-required'
            ? ({ kind: how, at: resource(), offers: world.server.offers(), receipt } as const)
            : ({ kind: how, ok: false, status: 402, receipt } as const)
        return { reading }
      }
      await world.pay().catch(() => undefined)
      expect(await world.payments()).toMatchObject([{ state: 'committed' }])
      expect([signatures(world), await world.counted()]).toEqual([1, 10])
    },
  )

  it('that comes after the server asked again counts once, for either credential', async () => {
    const world = fakeWorld(BOTH)
    provesNothing(world)
    world.server.offers = () => [offer({ kind: MPP })]
    // It keeps the first credential until it has the second, and then tries to cash both.
    world.server.paid = (_, turn) => {
      if (turn === 1) return world.server.ask()
      for (const one of world.server.credentials) world.server.take(one)
      return world.server.ask()
    }
    await world.fails()
    expect([signatures(world), world.rail.settled.size, await world.counted()]).toEqual([2, 1, 10])
    world.wallet.hooks.inspect = () => undefined
    world.clock.pass(20_000)
    await runRecovery(world.env, 'all')
    expect(await world.payments()).toMatchObject([{ state: 'settled' }])
    expect(await world.counted()).toBe(10)
  })
})

type Recognises = () => boolean | Promise<boolean>

describe('a receipt', () => {
  const fails = (): never => {
    throw new Error('no')
  }
  it.each<[string, { success: boolean }, Recognises | undefined]>([
    ['of a failure', { success: false }, undefined],
    ['that its wallet does not know', { success: true }, () => false],
    ['that its wallet answers for later', { success: true }, async () => true],
    ['that its wallet fails over, later', { success: true }, async () => fails()],
    ['that its wallet fails over', { success: true }, fails],
  ])('%s settles nothing, and the caller still gets the answer', async (_, said, matchesReceipt) => {
    const world = fakeWorld()
    provesNothing(world)
    if (matchesReceipt !== undefined) Object.assign(world.wallet, { matchesReceipt })
    const anomalies = world.heard('anomaly')
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      const receipt = { ...said, reference: '0xother', claims: {} }
      return { reading: { kind: 'response', ok: true, status: 200, receipt } }
    }
    const reply = await world.pay()
    expect(world.outcome(reply)).toMatchObject({ state: 'committed', delivered: true })
    expect(anomalies.map(({ kind }) => kind)).toEqual(['receipt_mismatch'])
    expect(await world.counted()).toBe(10)
  })
})

describe('a price that is known only after the payment', () => {
  /** At most ten cents; the server claims that it took one. */
  function metered(): FakeWorld {
    const world = fakeWorld({ wallets: [{ kinds: ['x402/upto'] }] })
    provesNothing(world)
    world.wallet.hooks.quote = async (challenge) => ({
      wallet: 'fake:1',
      challenge,
      resource: resource(),
      terms: { ...termsOf(challenge), exact: false },
    })
    world.server.offers = () => [offer({ kind: 'x402/upto' })]
    world.server.paid = (outgoing) => {
      world.server.take(outgoing)
      const receipt = { success: true, reference: '0xfee', amount: '10000', claims: { amount: '10000' } }
      return { reading: { kind: 'response', ok: true, status: 200, receipt } }
    }
    return world
  }

  it('counts with its limit for any receipt, and is inspected at the first time that can bring news', async () => {
    const world = metered()
    const reply = await world.pay()
    expect(world.outcome(reply)).toMatchObject({ state: 'committed', delivered: true })
    expect(await world.counted()).toBe(10)
    const [payment] = await world.payments()
    expect(payment?.recheckAt).toBeDefined()
    expect(world.due).toEqual([payment?.recheckAt])
  })

  it.each([
    [3, 3],
    [0, 0],
    [10, 10],
    // The moved amount counts, even above the limit, if the rail itself shows it.
    [12, 12],
  ])('counts %i cents if the rail shows %i', async (counted, taken) => {
    const world = metered()
    await world.pay()
    world.wallet.hooks.inspect = async () => ({ state: 'settled', reference: '0xfee', amount: cents(taken) })
    world.clock.pass(20_000)
    await runRecovery(world.env, 'due')
    expect(await world.payments()).toMatchObject([{ state: 'settled', proof: 'chain', delivered: true }])
    expect(await world.counted()).toBe(counted)
  })

  it('notifies its wallet that it was accepted', async () => {
    const world = metered()
    const told: string[] = []
    Object.assign(world.wallet, {
      onAccepted: async ({ receipt }: AcceptedCredential) => told.push(receipt.reference ?? ''),
    })
    await world.pay()
    expect(told).toEqual(['0xfee'])
  })

  it('does not affect the next call for the same, which pays by itself', async () => {
    const world = metered()
    await world.pay()
    await world.pay()
    expect([signatures(world), await world.counted()]).toEqual([2, 20])
  })
})
