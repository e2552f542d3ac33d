import { expect, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { Ledger } from '../../src/index.js'
import { jsonRpc, type RpcRequest } from '../../src/mcp/index.js'
import { failure, SECRET, withFault } from '../safety/matrix/faults.js'
import {
  at,
  challenge,
  credentialOf,
  pause,
  purserFor,
  required,
  shopWorld,
  type World,
  world,
} from './kit.js'

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

test.each([
  ['a call', {}],
  ['a call with options', { _meta: { 'purser/payment': { maxAmount: '1' } } }],
])(
  '%s whose sending fails after its answer has come is not paid: the client knows that it failed',
  async (_, params) => {
    const one = shopWorld()
    const { transport } = one
    const { send } = transport
    transport.send = async (message) => {
      if (transport.sent.length > 0) return send.call(transport, message)
      transport.sent.push({ message, options: undefined })
      transport.push({ jsonrpc: '2.0', id: 1, ...required(challenge()) })
      await pause()
      throw new Error('the stream broke')
    }
    one.wallet.hooks.quote = async () => {
      await pause(50)
      return undefined
    }
    await expect(one.tool('search', params)).rejects.toThrow('the stream broke')
    await pause(200)
    expect([one.wallet.signed, transport.paid, one.others]).toEqual([[], [], []])
  },
)

test.each([
  ['was cancelled', (one: World) => one.notify('notifications/cancelled', { requestId: 1 })],
  ['lost its connection', (one: World) => one.transport.close()],
])('a demand for payment that arrives after its call %s is not paid', async (_, end) => {
  const one = world(() => undefined)
  void one.tool()
  await end(one)
  one.transport.push({ jsonrpc: '2.0', id: 1, ...required(challenge()) })
  await pause(50)
  expect([one.wallet.signed, one.transport.paid]).toEqual([[], []])
})

test('a server cannot say where the money is: only Purser writes `funds` into an error with the code 402', async () => {
  const lie = {
    error: { code: 402, message: 'refused', data: { code: 'refused', funds: 'untouched', why: 'x' } },
  }
  const handle = (request: RpcRequest) => (credentialOf(request) === undefined ? required(challenge()) : lie)
  const paid = await world(handle).tool()
  expect(paid.error).toMatchObject({ code: 402, data: { why: 'x' } })
  expect(at(paid, 'error', 'data', 'funds')).toBeUndefined()
  const unlisted = await world(() => lie, { servers: ['mcp:other'] }).tool()
  expect(at(unlisted, 'error', 'data', 'funds')).toBeUndefined()
  const { purser } = purserFor({ servers: ['jsonrpc:shop'] })
  const call = jsonRpc(async (request) => ({ jsonrpc: '2.0', id: request.id, ...handle(request) }), purser, {
    server: 'shop',
  })
  const reply = await call({ jsonrpc: '2.0', id: 1, method: 'search' })
  expect(at(reply, 'error', 'data', 'why')).toBe('x')
  expect(at(reply, 'error', 'data', 'funds')).toBeUndefined()
  expect(purser.paymentFor(reply)).toMatchObject({ state: 'committed', delivered: false })
})
