import { describe, expect, it } from 'vitest'
import { PaymentError } from '../../src/errors/index.js'
import { runRecovery } from '../../src/pay/index.js'
import { offer, termsOf } from './peers.js'
import { fakeWorld } from './world.js'

describe('one payment', () => {
  it('is offered, judged, held, signed, committed, sent and settled, in that order', async () => {
    const world = fakeWorld()
    const states = world.heard('payment')
    const reply = await world.pay()
    expect(reply.reading).toMatchObject({ kind: 'response', ok: true })
    expect(world.outcome(reply)).toMatchObject({ state: 'settled', delivered: true })
    expect(states.map(({ payment }) => payment.state)).toEqual(['held', 'committed', 'settled'])
    expect(world.server.credentials.map(({ idempotencyKey }) => idempotencyKey)).toEqual([
      (await world.payments())[0]?.id,
    ])
    expect(await world.counted()).toBe(10)
  })

  it('is committed before its credential leaves', async () => {
    const world = fakeWorld()
    let seen: unknown
    world.server.paid = async (outgoing) => {
      seen = (await world.payments()).map(({ state, attempts }) => [state, attempts.length])
      return world.server.take(outgoing)
    }
    await world.pay()
    expect(seen).toEqual([['committed', 1]])
  })

  it('is held before the wallet is asked to sign', async () => {
    const world = fakeWorld()
    let seen: unknown
    world.wallet.hooks.prepare = async () => {
      seen = (await world.payments()).map(({ state }) => state)
    }
    await world.pay()
    expect(seen).toEqual(['held'])
  })

  it('is one of several for equal calls without a key, as with any fetch', async () => {
    const world = fakeWorld()
    await Promise.all([world.pay(), world.pay(), world.pay()])
    expect(world.rail.settled.size).toBe(3)
    expect(await world.counted()).toBe(30)
  })
})

describe('an offer', () => {
  it('of a kind that no wallet pays leaves the reply unchanged', async () => {
    const world = fakeWorld()
    world.server.offers = () => [offer({ kind: 'pigeon/post' })]
    expect((await world.pay()).reading.kind).toBe('payment-required')
    expect(await world.payments()).toEqual([])
  })

  it('whose credential could not be sent is left out before anything is held or signed', async () => {
    const world = fakeWorld()
    const [bound, free] = [offer({ cents: 10 }), offer({ cents: 20 })]
    world.server.offers = () => [bound, free]
    world.server.check = ({ id }) => {
      if (id === bound.id) throw new PaymentError('digest_mismatch', 'untouched', 'Another body')
    }
    await world.pay()
    expect([...world.rail.settled]).toEqual([free.id])
    world.server.offers = () => [bound]
    expect(await world.fails()).toMatchObject({ code: 'digest_mismatch', funds: 'untouched' })
    expect(world.wallet.signed).toHaveLength(1)
  })

  it('is frozen as soon as it is quoted: the judged terms are signed', async () => {
    const world = fakeWorld()
    world.wallet.hooks.quote = async (challenge, { resource }) => {
      const quote = { wallet: 'fake:1', challenge, resource, terms: termsOf(challenge) }
      world.server.check = () => {
        expect(() => Object.assign(quote.terms, { most: undefined })).toThrow(TypeError)
        expect(() => Object.assign(quote.terms.payees, { 0: undefined })).toThrow(TypeError)
        expect(() => Object.assign(quote, { terms: undefined })).toThrow(TypeError)
      }
      return quote
    }
    await world.pay()
    expect(world.wallet.signed).toHaveLength(1)
  })
})

describe('a wallet', () => {
  it('that throws in quote leaves the offer to the others', async () => {
    const world = fakeWorld({ wallets: [{ id: 'fake:1' }, { id: 'fake:2' }] })
    const [first, second] = world.wallets
    if (first) first.hooks.quote = () => Promise.reject(new Error('no key'))
    await world.pay()
    expect(first?.signed).toHaveLength(0)
    expect(second?.signed).toHaveLength(1)
  })

  it('that throws in quote is the reason of the refusal if there is no other', async () => {
    const world = fakeWorld()
    world.wallet.hooks.quote = () =>
      Promise.reject(new Error('no answer from https://rpc.example/?key=s3cret'))
    const error = await world.fails()
    expect(error).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(error.message).not.toContain('s3cret')
  })

  it('that throws in prepare is followed by the next offer, and holds nothing', async () => {
    const world = fakeWorld()
    world.server.offers = () => [offer({ cents: 10 }), offer({ cents: 20 })]
    world.wallet.hooks.prepare = async ({ quote }) => {
      if (quote.terms.most.value === 100_000n) throw new Error('this token is frozen')
    }
    await world.pay()
    expect((await world.payments()).map(({ state, terms }) => [state, terms.most.value])).toEqual([
      ['settled', 200_000n],
    ])
    expect(await world.counted()).toBe(20)
  })

  it('that throws in prepare for every offer causes a refusal, and the budget is given back', async () => {
    const world = fakeWorld()
    world.wallet.hooks.prepare = () => Promise.reject(new Error('the key 0x1234 is locked'))
    const error = await world.fails()
    expect(error).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(error.message).not.toContain('0x1234')
    expect(await world.counted()).toBe(0)
    expect(world.server.credentials).toEqual([])
  })

  it('that throws in complete causes a doubt until the rail proves it void', async () => {
    const world = fakeWorld()
    world.wallet.hooks.complete = () => Promise.reject(new Error('broadcast failed'))
    const error = await world.fails()
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(await world.counted()).toBe(10)
    world.clock.pass(20_000)
    expect(await runRecovery(world.env, 'due')).toMatchObject({ released: 1 })
    expect(await world.counted()).toBe(0)
  })

  it('that throws in inspect has proven nothing: the payment keeps counting', async () => {
    const world = fakeWorld()
    const errors = world.heard('error')
    world.server.paid = () => world.server.ask()
    world.wallet.hooks.inspect = () => Promise.reject(new Error('node down'))
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(await world.counted()).toBe(10)
    expect(errors.map(({ during }) => during)).toContain('inspect')
  })

  it('that hangs while it signs charges nothing if the caller aborts', async () => {
    const world = fakeWorld()
    const stop = new AbortController()
    world.wallet.hooks.prepare = async () => stop.abort(new DOMException('enough', 'AbortError'))
    await expect(world.pay({ signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(world.server.credentials).toEqual([])
    expect(world.wallet.discarded).toBe(1)
    expect(await world.counted()).toBe(0)
  })

  it('cannot change its terms after they were judged', async () => {
    const world = fakeWorld()
    world.wallet.hooks.prepare = async ({ quote }) => {
      Object.assign(quote.terms, { most: undefined })
    }
    expect((await world.fails()).code).toBe('wallet_failed')
    expect(world.wallet.signed).toEqual([])
  })
})

describe('a receipt', () => {
  const lies = [
    { message: 'of another challenge', receipt: { success: true, challengeId: 'other', claims: {} } },
    { message: 'of another method', receipt: { success: true, method: 'stripe', claims: {} } },
    { message: 'of a failure', receipt: { success: false, claims: {} } },
  ]

  it.each(lies)('$says settles nothing, and is reported', async ({ receipt }) => {
    const world = fakeWorld()
    const anomalies = world.heard('anomaly')
    world.server.paid = () => ({ reading: { kind: 'response', ok: true, status: 200, receipt } })
    const reply = await world.pay()
    await Promise.resolve()
    expect(world.outcome(reply)).toMatchObject({ state: 'committed', delivered: true })
    expect(anomalies.map(({ kind }) => kind)).toEqual(['receipt_mismatch'])
    expect(await world.counted()).toBe(10)
  })

  it("of a transfer that is not the wallet's settles nothing", async () => {
    const world = fakeWorld()
    Object.assign(world.wallet, { matchesReceipt: () => false })
    expect(world.outcome(await world.pay())).toMatchObject({ state: 'committed', delivered: true })
  })

  it('that is missing is reported, and the money counts', async () => {
    const world = fakeWorld()
    const anomalies = world.heard('anomaly')
    world.server.paid = () => ({ reading: { kind: 'response', ok: true, status: 200 } })
    await world.pay()
    await Promise.resolve()
    expect(anomalies.map(({ kind }) => kind)).toEqual(['receipt_missing'])
    expect(await world.counted()).toBe(10)
  })
})
