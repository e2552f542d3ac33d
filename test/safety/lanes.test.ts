import { expect, it } from 'vitest'
import { payerFor, statesOf } from './kit.js'
import { hostileServer } from './server.js'

it('a receipt for a payment that was never submitted does not spoil its lane for the next vendor', async () => {
  const liar = await hostileServer('honest')
  // Takes what the chain would take: the next nonce of the lane, and no other.
  const honest = await hostileServer(async (visit) => {
    if (visit.seen.credential === undefined) return visit.ask({})
    const [payment] = await payer.payments()
    const detail = payment?.attempts.at(-1)?.evidence.detail
    if (!JSON.stringify(detail).includes(`"nonce":"${payer.node.laneNonce}"`)) return visit.ask({})
    payer.node.laneNonce++
    visit.serve()
  })
  const payer = payerFor(liar.origin, { vendors: [{ origin: honest.origin }] })
  try {
    // Settled by the liar's word: the lane is believed to stand at 1, and stands at 0.
    expect((await payer.call('/a')).status).toBe(200)
    expect((await payer.call(`${honest.origin}/b`)).code).toBe('payment_in_doubt')
    payer.node.past = true
    await payer.purser.recover({ reconcile: true })
    payer.node.past = false
    // Neither was ever submitted, and the chain says so.
    expect(await statesOf(payer)).toEqual(['released', 'released'])
    for (const path of ['/c', '/d', '/e']) expect((await payer.call(honest.origin + path)).status).toBe(200)
    expect(payer.node.laneNonce).toBe(3n)
  } finally {
    await payer.purser.close()
    await liar.close()
    await honest.close()
  }
})
