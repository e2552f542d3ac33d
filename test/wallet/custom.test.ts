import { describe, expect, test } from 'vitest'
import { PaymentError } from '../../src/errors/index.js'
import { amount, type Currency, type Instant } from '../../src/money/index.js'
import type { Challenge, JsonObject } from '../../src/protocol/index.js'
import { type Quote, spendAuthorization, type Unpayable, type Wallet } from '../../src/wallet/index.js'
import {
  authorize,
  BOUNDS,
  CHANNELS,
  challenge,
  complete,
  context,
  payable,
  unpayable,
} from './tempo/harness.js'

/**
 * The smallest wallet that is worth having: prepaid codes, bought beforehand, each good for one unit. It implements the
 * port and nothing else.
 */
function voucherWallet(codes: string[]): Wallet & { readonly left: () => number } {
  const teacups: Currency = { id: 'vouchers:teacups', symbol: 'TEA', decimals: 0 }
  const reserved = new Set<string>()

  const quote = async ({
    request,
    kind,
  }: Challenge): Promise<Omit<Quote, 'challenge' | 'resource'> | Unpayable> => {
    const { cups, shop } = request
    if (typeof cups !== 'string' || !/^[1-9][0-9]?$/.test(cups))
      return { unpayable: 'No number of cups is asked' }
    if (typeof shop !== 'string') return { unpayable: 'No shop is named' }
    if (codes.length < Number(cups))
      return { unpayable: `Only ${codes.length} vouchers are left`, code: 'insufficient_funds' }
    const most = amount(BigInt(cups), teacups)
    return {
      wallet: 'vouchers:drawer',
      terms: {
        purpose: 'pay',
        kind,
        network: 'vouchers:1',
        most,
        exact: true,
        payees: [{ id: shop, amount: most }],
      },
    }
  }

  return {
    id: 'vouchers:drawer',
    kinds: ['voucher/charge'],
    left: () => codes.length,
    async quote(challenge, { resource, earlierEvidence: after }) {
      // Two sets of vouchers could both be redeemed: nothing here excludes an earlier payment.
      if (after !== undefined) return { unpayable: 'Vouchers were handed over already' }
      const read = await quote(challenge)
      return 'unpayable' in read ? read : { ...read, challenge, resource }
    },
    async prepare(authorization, { now, signal }) {
      const { quote } = spendAuthorization(authorization, now)
      signal?.throwIfAborted()
      const cups = Number(quote.terms.most.value)
      if (codes.length < cups) throw new PaymentError('insufficient_funds', 'held', 'The vouchers ran out')
      const taken = codes.splice(0, cups)
      for (const code of taken) reserved.add(code)
      return {
        // Which vouchers, but not their codes: evidence proves, and pays nothing.
        evidence: {
          wallet: 'vouchers:drawer',
          kind: 'voucher/charge',
          refs: taken.map((code) => code.slice(0, 4)),
          detail: { cups },
        },
        async complete() {
          for (const code of taken) reserved.delete(code)
          return { credential: { challenge: quote.challenge, payload: { codes: taken } } }
        },
        async discard() {
          for (const code of taken) if (reserved.delete(code)) codes.push(code)
        },
      }
    },
    async inspect() {
      return { state: 'unknown', reason: 'Only the shop knows which vouchers it took' }
    },
  }
}

const NOW: Instant = 1_800_000_000_000
const offer = (request: JsonObject) => challenge(request, { kind: 'voucher/charge' })
const drawer = () => voucherWallet(['aaaa-1', 'bbbb-2', 'cccc-3'])
const ask = (wallet: Wallet, request: JsonObject) => wallet.quote(offer(request), context({ now: NOW }))

describe('a wallet of your own', () => {
  test('quotes terms that policy can judge', async () => {
    const { terms } = payable(await ask(drawer(), { cups: '2', shop: 'corner' }))
    expect(terms.most).toMatchObject({ value: 2n, currency: { symbol: 'TEA' } })
    expect(terms.payees.map(({ id }) => id)).toEqual(['corner'])
  })

  test('says why it cannot pay', async () => {
    expect(unpayable(await ask(drawer(), { cups: '4', shop: 'corner' }))).toMatchObject({
      code: 'insufficient_funds',
    })
    expect(unpayable(await ask(drawer(), { cups: '1e1', shop: 'corner' })).unpayable).toMatch(/cups/)
  })

  test('pays what was authorized, and only for an authorization', async () => {
    const wallet = drawer()
    const quote = payable(await ask(wallet, { cups: '2', shop: 'corner' }))
    const authorization = authorize(quote, { now: NOW })
    const prepared = await wallet.prepare(authorization, { now: NOW, channels: CHANNELS })
    const { credential } = await complete(prepared)
    expect(credential.payload).toEqual({ codes: ['aaaa-1', 'bbbb-2'] })
    expect(JSON.stringify(prepared.evidence)).not.toContain('aaaa-1')
    expect(wallet.left()).toBe(1)
    await expect(wallet.prepare(authorization, { now: NOW, channels: CHANNELS })).rejects.toThrow(TypeError)
    const forged = { payment: 'p', quote, bounds: BOUNDS }
    await expect(Reflect.apply(wallet.prepare, wallet, [forged, { now: NOW }])).rejects.toThrow(TypeError)
    expect(wallet.left()).toBe(1)
  })

  test('discards a prepared payment that was never sent', async () => {
    const wallet = drawer()
    const quote = payable(await ask(wallet, { cups: '3', shop: 'corner' }))
    const prepared = await wallet.prepare(authorize(quote, { now: NOW }), { now: NOW, channels: CHANNELS })
    expect(wallet.left()).toBe(0)
    await prepared.discard()
    expect(wallet.left()).toBe(3)
  })

  test('sends nothing for a caller who has left', async () => {
    const wallet = drawer()
    const quote = payable(await ask(wallet, { cups: '1', shop: 'corner' }))
    const signal = AbortSignal.abort()
    await expect(
      wallet.prepare(authorize(quote, { now: NOW }), { now: NOW, channels: CHANNELS, signal }),
    ).rejects.toThrow(/abort/i)
    expect(wallet.left()).toBe(3)
  })

  test('does not pay twice for one purchase', async () => {
    const wallet = drawer()
    const quote = payable(await ask(wallet, { cups: '1', shop: 'corner' }))
    const { evidence } = await wallet.prepare(authorize(quote, { now: NOW }), {
      now: NOW,
      channels: CHANNELS,
    })
    unpayable(
      await wallet.quote(
        offer({ cups: '1', shop: 'corner' }),
        context({ now: NOW, earlierEvidence: evidence }),
      ),
    )
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'unknown' })
  })
})
