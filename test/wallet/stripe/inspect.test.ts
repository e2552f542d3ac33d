import { describe, expect, test } from 'vitest'
import type { Evidence, Verdict } from '../../../src/ledger/index.js'
import { formatAmount } from '../../../src/money/index.js'
import type { JsonObject } from '../../../src/protocol/index.js'
import { PROBLEMS } from '../../../src/protocol/index.js'
import type { Wallet } from '../../../src/wallet/index.js'
import {
  type StripeClientOptions,
  type StripeTokenOptions,
  stripe,
} from '../../../src/wallet/stripe/index.js'
import { CHANNELS, payable, unpayable } from '../tempo/harness.js'
import { ask, clockAt, deliver, offer, ready, scripted, stripeError, token } from './harness.js'

const captured = (value: number, currency = 'usd') => ({
  usage_details: { amount_captured: { currency, value } },
})
const ended = (reason: string, more: JsonObject = {}): JsonObject => ({
  status: 'deactivated',
  deactivated_reason: reason,
  ...more,
})

/** A wallet, a token that it handed out, and what Stripe says of that from now on. */
async function handedOut(more: Partial<StripeClientOptions> = {}) {
  const made = token()
  let message: unknown = made
  let revoking: unknown
  const client = scripted(({ method, path }) => {
    if (path.endsWith('/revoke')) {
      if (revoking instanceof Error) throw revoking
      return revoking ?? { ...made, ...ended('revoked') }
    }
    if (method === 'POST') return made
    if (message instanceof Error) throw message
    return message
  })
  const clock = clockAt(Date.now())
  const wallet = stripe({ client, paymentMethod: 'pm_1', livemode: false, now: clock.now, ...more })
  const completed = await (await ready(wallet)).complete(deliver)
  if (completed.evidence === undefined) throw new Error('no evidence')
  return {
    ...{ wallet, clock, evidence: completed.evidence },
    asked: () =>
      client.log.map(
        ({ method, path }) =>
          `${method} ${path
            .split('/')
            .at(-1)
            ?.replace(/^spt_.*/, 'spt')}`,
      ),
    say: (change: JsonObject) => {
      message = { ...made, ...change }
    },
    fail: (error: Error) => {
      message = error
    },
    onRevoke: (answer: unknown) => {
      revoking = answer
    },
  }
}

/** It was prepared, and never came to an end in this process. */
async function unended(wallet: Wallet): Promise<Evidence> {
  return (await ready(wallet)).evidence
}

describe('the state of a token at Stripe', () => {
  test.each<[string, JsonObject, Partial<Verdict>]>([
    ['charged in full', ended('consumed', captured(100)), { state: 'settled' }],
    ['charged, and still open', captured(100), { state: 'settled' }],
    ['consumed, and nothing taken yet', ended('consumed'), { state: 'settled' }],
    ['expired', ended('expired'), { state: 'void' }],
    ['revoked', ended('revoked'), { state: 'void' }],
    ['revoked, as one sample of the documentation has it', { status: 'revoked' }, { state: 'void' }],
    ['revoked after a part was charged', ended('revoked', captured(40)), { state: 'settled' }],
    ['open', {}, { state: 'pending', reusable: true }],
    ['open after a part was charged', captured(40), { state: 'pending' }],
    ['ended in a way that proves nothing', ended('resolved'), { state: 'pending' }],
    ['in a state that nobody knows', { status: 'processing' }, { state: 'pending' }],
    ['charged in another currency', captured(5, 'eur'), { state: 'unknown' }],
    ['waiting for a person', { status: 'requires_action' }, { state: 'pending', person: {} }],
  ])('%s', async (_, change, verdict) => {
    const one = await handedOut()
    one.say(change)
    expect(await one.wallet.inspect(one.evidence)).toMatchObject(verdict)
  })

  test('counts the charged amount if it is less', async () => {
    const one = await handedOut()
    one.say(ended('expired', captured(40)))
    const verdict = await one.wallet.inspect(one.evidence)
    if (verdict.state !== 'settled' || verdict.amount === undefined) throw new Error('no amount')
    expect(formatAmount(verdict.amount)).toBe('0.4 USD')
  })

  test('a partial charge counts, and the token is not presented again', async () => {
    const one = await handedOut()
    one.say(captured(40))
    expect(await one.wallet.inspect(one.evidence)).not.toHaveProperty('reusable')
  })

  test.each<[string, object, string]>([
    ['not there', { statusCode: 404 }, 'unknown'],
    ['silent', { statusCode: undefined, rawType: undefined }, 'pending'],
    ['broken', { statusCode: 500, rawType: 'api_error' }, 'pending'],
  ])('is %s: nothing is proven', async (_, more, state) => {
    const one = await handedOut()
    one.fail(stripeError({ ...more }))
    expect(await one.wallet.inspect(one.evidence)).toMatchObject({ state })
  })

  test('of another token proves nothing about this one', async () => {
    const one = await handedOut()
    one.say({ id: 'spt_other', ...ended('revoked') })
    expect(await one.wallet.inspect(one.evidence)).toMatchObject({ state: 'unknown' })
  })

  test('an open token is never void by the local clock', async () => {
    const one = await handedOut()
    one.clock.pass(86_400_000)
    expect(await one.wallet.inspect(one.evidence)).toMatchObject({ state: 'pending' })
  })

  test('a token that Stripe does not call expired or revoked is never void by the local clock', async () => {
    const one = await handedOut()
    one.clock.pass(365 * 86_400_000)
    for (const change of [ended('resolved'), { status: 'processing' }]) {
      one.say(change)
      expect(await one.wallet.inspect(one.evidence)).toMatchObject({ state: 'pending' })
    }
  })

  test('an open token is inspected less and less often', async () => {
    const one = await handedOut()
    const wait = async (): Promise<number> => {
      const verdict = await one.wallet.inspect(one.evidence)
      return verdict.state === 'pending' ? verdict.recheckAt - one.clock.now() : 0
    }
    expect(await wait()).toBe(60_000)
    one.clock.pass(86_400_000)
    expect(await wait()).toBe(3_600_000)
  })

  test.each([null, 1, 'x', [], {}, { key: 'k' }])('evidence that is %j is not read', async (detail) => {
    const { wallet } = await handedOut()
    const evidence: Evidence = { wallet: wallet.id, kind: 'stripe/charge', refs: [], detail }
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'unknown' })
    expect(await wallet.abandon?.(evidence)).toMatchObject({ state: 'unknown' })
  })
})

describe('abandoning', () => {
  test('revokes an open token', async () => {
    const one = await handedOut()
    expect(await one.wallet.abandon?.(one.evidence)).toMatchObject({ state: 'void' })
    expect(one.asked().at(-1)).toBe('POST revoke')
  })

  test.each<[string, JsonObject]>([
    ['was charged', ended('consumed', captured(100))],
    ['waits for a person', { status: 'requires_action' }],
    ['has ended', ended('expired')],
  ])('leaves a token alone if it %s', async (_, change) => {
    const one = await handedOut()
    one.say(change)
    await one.wallet.abandon?.(one.evidence)
    expect(one.asked()).not.toContain('POST revoke')
  })

  test('finds a charge of the last moment', async () => {
    const one = await handedOut()
    one.onRevoke(stripeError())
    const { inspect } = one.wallet
    expect(await inspect(one.evidence)).toMatchObject({ state: 'pending' })
    const abandoned = one.wallet.abandon?.(one.evidence)
    one.say(ended('consumed', captured(100)))
    expect(await abandoned).toMatchObject({ state: 'settled' })
  })

  test('is not tried if Stripe does not answer', async () => {
    const one = await handedOut()
    one.fail(stripeError({ statusCode: undefined, rawType: undefined }))
    expect(await one.wallet.abandon?.(one.evidence)).toMatchObject({ state: 'pending' })
    expect(one.asked()).toEqual(['POST issued_tokens', 'GET spt'])
  })

  test('that fails proves nothing', async () => {
    const one = await handedOut()
    one.onRevoke(stripeError({ statusCode: 500 }))
    expect(await one.wallet.abandon?.(one.evidence)).toMatchObject({ state: 'pending' })
  })
})

describe('evidence without a token', () => {
  const make = (answer: Parameters<typeof scripted>[0]) => {
    const client = scripted(answer)
    const clock = clockAt(Date.now())
    const wallet = stripe({ client, paymentMethod: 'pm_1', livemode: false, now: clock.now })
    return { client, clock, wallet }
  }

  test('may belong to a created token: it is requested again under the same key, and revoked', async () => {
    const made = token()
    const { client, wallet } = make(({ path }) =>
      path.endsWith('revoke') ? { ...made, ...ended('revoked') } : made,
    )
    const evidence = await unended(wallet)
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'pending' })
    expect(client.log).toEqual([])
    expect(await wallet.abandon?.(evidence)).toMatchObject({ state: 'void' })
    expect(client.log[0]?.options['idempotencyKey']).toBe(evidence.refs[1])
    expect(client.log.map(({ path }) => path.split('/').at(-1))).toEqual(['issued_tokens', 'revoke'])
  })

  const refusal = (headers: object): Error => stripeError({ headers })
  const dated = (at: number) => ({ date: new Date(at).toUTCString() })

  test('is void if Stripe refuses to create the token, as long as Stripe remembers its key', async () => {
    let headers: object = dated(Date.now())
    const { wallet } = make(() => Promise.reject(refusal(headers)))
    const evidence = await unended(wallet)
    expect(await wallet.abandon?.(evidence)).toMatchObject({ state: 'void' })
    headers = dated(Date.now() + 12 * 3_600_000)
    expect(await wallet.abandon?.(evidence)).toMatchObject({ state: 'void' })
    for (const later of [dated(Date.now() + 13 * 3_600_000), { date: 'today' }, {}]) {
      headers = later
      expect(await wallet.abandon?.(evidence)).toMatchObject({ state: 'unknown' })
    }
  })

  test.each([
    ['another request under its key', { rawType: 'idempotency_error' }],
    ['one that is still under way', { statusCode: 409 }],
    ['a key that is not ours any more', { statusCode: 401 }],
    ['too many requests', { statusCode: 429 }],
    ['nothing', { statusCode: undefined, rawType: undefined }],
  ])('is not void if Stripe answers %s', async (_, more) => {
    const { wallet } = make(() => Promise.reject(stripeError(more)))
    expect(await wallet.abandon?.(await unended(wallet))).toMatchObject({ state: 'pending' })
  })

  test('is never void by the local clock: after its end the same request is repeated, and its result is inspected', async () => {
    const made = token()
    const { client, clock, wallet } = make(({ path, method }) => {
      if (path.endsWith('revoke')) throw stripeError()
      // What Stripe answered first, and what it shows now.
      return method === 'POST' ? made : { ...made, ...ended('consumed', captured(100)) }
    })
    const evidence = await unended(wallet)
    clock.pass(86_400_000)
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'pending' })
    expect(client.log).toEqual([])
    expect(await wallet.abandon?.(evidence)).toMatchObject({ state: 'settled' })
    expect(client.log[0]?.options['idempotencyKey']).toBe(evidence.refs[1])
  })

  test('is left to a person if no issuer can be asked again', async () => {
    const clock = clockAt(Date.now())
    const createToken = async () => 'spt_1'
    const wallet = stripe({ createToken, livemode: false, now: clock.now })
    const evidence = await unended(wallet)
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'pending' })
    clock.pass(86_400_000)
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'unknown' })
    expect(await wallet.abandon?.(evidence)).toMatchObject({ state: 'unknown' })
  })

  test('is requested from a backend again only if the backend allows it', async () => {
    let made = 0
    const wallet = stripe({
      createToken: async () => `spt_${++made}`,
      retrieveToken: async () => token(),
      revokeToken: async () => token(),
      livemode: false,
    })
    expect(await wallet.abandon?.(await unended(wallet))).toMatchObject({ state: 'pending' })
    expect(made).toBe(0)
  })
})

describe('a backend of the user’s own', () => {
  const make = async (more: Partial<StripeTokenOptions> = {}) => {
    const wallet = stripe({ createToken: async () => 'spt_1', livemode: false, ...more })
    const { evidence } = await (await ready(wallet)).complete(deliver)
    if (evidence === undefined) throw new Error('no evidence')
    return { wallet, evidence }
  }

  test('that cannot look tokens up leaves the payment to a person, and to receipts', async () => {
    const { wallet, evidence } = await make()
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'unknown' })
    expect(await wallet.abandon?.(evidence)).toMatchObject({ state: 'unknown' })
    const type = PROBLEMS.paymentActionRequired
    expect(await wallet.inspect(evidence, { problem: { type }, channels: CHANNELS })).toMatchObject({
      person: {},
    })
  })

  test('that can only revoke proves the result by the answer of Stripe', async () => {
    const revoked = token({ id: 'spt_1', ...ended('revoked') })
    const { wallet, evidence } = await make({ revokeToken: async () => revoked })
    expect(await wallet.abandon?.(evidence)).toMatchObject({ state: 'void' })
    const silent = await make({ revokeToken: async () => undefined })
    expect(await silent.wallet.abandon?.(silent.evidence)).toMatchObject({ state: 'unknown' })
  })

  test('is not asked to revoke a token that waits for a person', async () => {
    let revoked = 0
    const waiting = token({ id: 'spt_1', status: 'requires_action' })
    const revokeToken = async () => {
      revoked++
      return waiting
    }
    const { wallet, evidence } = await make({ createToken: async () => waiting, revokeToken })
    expect(await wallet.abandon?.(evidence)).toMatchObject({ state: 'unknown' })
    expect(revoked).toBe(0)
  })
})

describe('after a token, a quote', () => {
  test('continues with the same token, and excludes its earlier presentation', async () => {
    const one = await handedOut()
    const fresh = offer({ externalId: 'order-43' })
    const quote = payable(await ask(one.wallet, fresh, { earlierEvidence: one.evidence }))
    const id = one.evidence.refs[2]
    expect(quote.replaces).toEqual({ name: `stripe:${id}`, value: 0n })
    const prepared = await ready(one.wallet, fresh, { earlierEvidence: one.evidence })
    const { credential } = await prepared.complete(deliver)
    expect(credential).toMatchObject({ challenge: fresh, payload: { spt: id, externalId: 'order-43' } })
    expect(prepared.evidence.refs).toEqual([fresh.id, ...one.evidence.refs.slice(1)])
    expect(one.asked().filter((path) => path === 'POST issued_tokens')).toHaveLength(1)
  })

  test.each<[string, JsonObject]>([
    ['another amount', { amount: '99' }],
    ['another currency', { currency: 'eur' }],
    ['another seller', { methodDetails: { networkId: 'profile_other', paymentMethodTypes: ['card'] } }],
  ])('for %s is not given while that lives', async (_, request) => {
    const one = await handedOut()
    const refusal = unpayable(await ask(one.wallet, offer(request), { earlierEvidence: one.evidence }))
    expect(refusal).toMatchObject({ code: 'payment_in_doubt', earlierExpiresAt: expect.any(Number) })
  })

  test.each<[string, JsonObject, string]>([
    ['was consumed', ended('consumed', captured(100)), 'payment_in_doubt'],
    ['was revoked', ended('revoked'), 'payment_in_doubt'],
    ['was charged in part', captured(40), 'payment_in_doubt'],
    ['waits for a person whom nobody asks', { status: 'requires_action' }, 'action_required'],
  ])('with one that %s is not given', async (_, change, code) => {
    const one = await handedOut()
    one.say(change)
    expect(unpayable(await ask(one.wallet, offer(), { earlierEvidence: one.evidence })).code).toBe(code)
  })

  test('never rests on the evidence of another wallet', async () => {
    const one = await handedOut()
    const after = { ...one.evidence, wallet: 'stripe:test:other' }
    expect(unpayable(await ask(one.wallet, offer(), { earlierEvidence: after })).code).toBe(
      'payment_in_doubt',
    )
  })

  test('is not completed with one that was revoked meanwhile', async () => {
    const one = await handedOut()
    const prepared = await ready(one.wallet, offer(), { earlierEvidence: one.evidence })
    one.say(ended('revoked'))
    await expect(prepared.complete(deliver)).rejects.toMatchObject({ code: 'wallet_failed' })
  })
})

test('the payer cannot compare the PaymentIntent of a receipt', async () => {
  const { wallet, evidence } = await handedOut()
  expect(wallet.matchesReceipt?.(evidence, 'pi_1')).toBeUndefined()
  expect(wallet.matchesReceipt?.(evidence, evidence.refs[2] ?? '')).toBe(true)
})
