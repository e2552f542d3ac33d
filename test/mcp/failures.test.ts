import { expect, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { Ledger } from '../../src/index.js'
import { failure, SECRET, withFault } from '../safety/matrix/faults.js'
import { pause, shopWorld } from './kit.js'

test('a ledger that fails: the answer has no word of it, and onerror has the cause', async () => {
  const broken = failure()
  const ledger = withFault<Ledger>(memoryLedger(), 'hold', () => Promise.reject(broken))
  const one = shopWorld(undefined, { ledger })
  const errors: Error[] = []
  one.paying.onerror = (error) => void errors.push(error)
  const reply = await one.tool()
  expect(reply.error).toMatchObject({ code: -32603, message: expect.stringContaining('onerror') })
  expect(JSON.stringify(reply)).not.toContain(SECRET)
  expect(errors).toEqual([broken])
  expect(one.wallet.signed).toEqual([])
})

test('a client that fails while it takes the answer to a paid call: onerror hears of it, and the payment is settled', async () => {
  const one = shopWorld()
  const errors: Error[] = []
  const broken = new Error('the client failed')
  one.paying.onerror = (error) => void errors.push(error)
  one.paying.onmessage = () => {
    throw broken
  }
  void one.tool()
  while (errors.length === 0) await pause()
  expect(errors).toEqual([broken])
  expect(await one.payments()).toMatchObject([{ state: 'settled', delivered: true }])
})
