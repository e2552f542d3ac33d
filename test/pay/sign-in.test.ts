import { describe, expect, it } from 'vitest'
import type { Challenge } from '../../src/protocol/index.js'
import { offer, resource } from './peers.js'
import { type FakeWorld, fakeWorld } from './world.js'

const SIGN_IN = 'x402/sign-in'
const signIn = (): Challenge => offer({ cents: 0, kind: SIGN_IN })

/** A server that accepts or rejects sign-ins, and a wallet whose sign-ins provably move no money. */
function world({ takes, cents = 10 }: { readonly takes: boolean; readonly cents?: number }): FakeWorld {
  const made = fakeWorld({ wallets: [{ kinds: ['x402/exact', SIGN_IN] }] })
  const { server, wallet } = made
  server.offers = () => [offer({ cents, kind: 'x402/exact' }), signIn()]
  server.paid = (outgoing) => {
    if (outgoing.credential?.challenge.kind !== SIGN_IN) return server.take(outgoing)
    const receipt = { success: true, claims: {} }
    return takes ? { reading: { kind: 'response', ok: true, status: 200, receipt } } : server.ask()
  }
  wallet.hooks.inspect = (evidence) =>
    evidence.kind === SIGN_IN ? Promise.resolve({ state: 'void', reason: 'it moves nothing' }) : undefined
  return made
}

const kinds = ({ wallet }: FakeWorld) => wallet.signed.map(({ quote }) => quote.terms.kind)
const states = async (one: FakeWorld) => (await one.payments()).map(({ state }) => state)

describe('a sign-in', () => {
  it('that is accepted costs nothing, and nothing is paid', async () => {
    const one = world({ takes: true })
    await one.pay()
    expect(kinds(one)).toEqual([SIGN_IN])
    expect(await states(one)).toEqual(['settled'])
    expect(await one.counted()).toBe(0)
  })

  it('that is not accepted ends, and the new offer is paid as a separate payment', async () => {
    const one = world({ takes: false })
    const { reading } = await one.pay()
    expect(reading).toMatchObject({ kind: 'response', ok: true })
    expect(kinds(one)).toEqual([SIGN_IN, 'x402/exact'])
    expect(await states(one)).toEqual(['released', 'settled'])
    expect(await one.counted()).toBe(10)
  })

  it('does the same with a key of the caller', async () => {
    const one = world({ takes: false })
    await one.pay({ key: 'report-17' })
    expect(await states(one)).toEqual(['released', 'settled'])
  })

  it('is no way around policy: the offers after it are judged like first offers', async () => {
    const one = world({ takes: false, cents: 101 })
    expect(await one.fails()).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(kinds(one)).toEqual([SIGN_IN])
    expect(await one.counted()).toBe(0)
  })

  it('is tried once, and the purchase after it is paid once, however often the server asks', async () => {
    const one = world({ takes: false })
    one.server.paid = () => one.server.ask()
    await one.fails()
    expect(kinds(one).filter((kind) => kind === SIGN_IN)).toHaveLength(1)
    expect((await one.payments()).filter(({ state }) => state === 'committed').length).toBeLessThanOrEqual(1)
    expect(await one.counted()).toBeLessThanOrEqual(10)
  })

  it('ends the call if the server offers nothing else', async () => {
    const one = world({ takes: false })
    one.server.offers = () => [signIn()]
    await one.fails()
    expect(new Set(kinds(one))).toEqual(new Set([SIGN_IN]))
    expect(await states(one)).toEqual(['released'])
  })

  it('that cannot be proven void is followed by no payment', async () => {
    const one = world({ takes: false })
    one.wallet.hooks.inspect = () => Promise.resolve({ state: 'unknown', reason: 'nobody knows' })
    await one.fails()
    expect(kinds(one)).toEqual([SIGN_IN])
  })
})

it('any other payment that was refused is not followed by a dearer one', async () => {
  const one = fakeWorld({ wallets: [{ kinds: ['tempo/charge'] }] })
  let asked = 0
  one.server.offers = () => [offer({ cents: asked++ === 0 ? 0 : 10 })]
  one.server.paid = () => ({
    reading: { kind: 'payment-required', at: resource(), offers: [offer({ cents: 10 })] },
  })
  one.wallet.hooks.inspect = () => Promise.resolve({ state: 'void', reason: 'it moves nothing' })
  await one.fails()
  expect(one.wallet.signed).toHaveLength(1)
})
