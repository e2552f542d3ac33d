import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/protocol/index.js'
import { stripe } from '../../../src/wallet/stripe/index.js'
import { ask, deliver, offer, ready, token } from './harness.js'

/** A backend that makes one token, and shows what it is told to show. */
function backend() {
  const made = token()
  const shows: { is: JsonObject } = { is: made }
  const wallet = stripe({
    livemode: false,
    createToken: async () => made['id'],
    retrieveToken: async () => shows.is,
  })
  return { made, shows, wallet }
}

describe('a backend that shows another token than it was asked for', () => {
  it('does not get it presented', async () => {
    const { shows, wallet } = backend()
    shows.is = token()
    const { complete } = await ready(wallet)
    await expect(complete(deliver)).rejects.toMatchObject({ code: 'wallet_failed' })
  })

  it('has no payment gone on with it: both could be charged', async () => {
    const { made, shows, wallet } = backend()
    const first = await ready(wallet)
    const { evidence } = await first.complete(deliver)
    if (evidence === undefined) throw new Error('no evidence')
    const again = () => ask(wallet, offer(), { earlierEvidence: evidence })
    expect(await again()).toMatchObject({ replaces: { name: `stripe:${made['id']}` } })
    shows.is = token()
    expect(await again()).toMatchObject({ code: 'payment_in_doubt' })
  })

  it('that showed the right one when it was quoted has the other one handed out to nobody either', async () => {
    const { made, shows, wallet } = backend()
    const { evidence } = await (await ready(wallet)).complete(deliver)
    if (evidence === undefined) throw new Error('no evidence')
    const second = await ready(wallet, offer(), { earlierEvidence: evidence })
    shows.is = token()
    await expect(second.complete(deliver)).rejects.toMatchObject({ code: 'wallet_failed' })
    shows.is = made
    const { credential } = await second.complete(deliver)
    expect(credential.payload['spt']).toBe(made['id'])
  })
})
