import { describe, expect, it } from 'vitest'
import { hangingAt, settled } from './hanging.js'
import { fakeWorld } from './world.js'

const REASON = new DOMException('enough', 'AbortError')

/** A call whose caller aborts while the ledger hangs at recording its answer. */
async function givenUpOverAnAnswer(key?: string) {
  let step: ReturnType<typeof hangingAt> | undefined
  const world = fakeWorld({
    ledger: (ledger) => {
      step = hangingAt(ledger, 'advance', 2)
      return step.ledger
    },
  })
  const stop = new AbortController()
  const more = key === undefined ? {} : { key }
  const ended = world.pay({ signal: stop.signal, ...more }).then(
    () => 'an answer',
    (error: unknown) => error,
  )
  await step?.reached
  stop.abort(REASON)
  const error = await ended
  step?.goOn()
  await settled()
  return { world, error }
}

describe('an answer that comes after its caller has left', () => {
  it.each([undefined, 'order-1'])('is requested again instead of paid for again (key: %s)', async (key) => {
    const { world, error } = await givenUpOverAnAnswer(key)
    expect(error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(await world.payments()).toMatchObject([{ state: 'settled', proof: 'receipt', delivered: false }])
    const again = await world.pay(key === undefined ? {} : { key }).then(
      (reply) => reply,
      (refusal: unknown) => refusal,
    )
    expect(again).toBeDefined()
    expect([world.wallet.signed.length, world.rail.settled.size, await world.counted()]).toEqual([1, 1, 10])
  })
})
