import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { tempo } from '../../src/entry/wallet-tempo.js'
import { amount, CURRENCIES, createPurser, type PurserEvents } from '../../src/index.js'
import { Events } from '../../src/pay/index.js'
import { serve } from '../fetch/kit.js'
import { committed, holdOf, settled, TestClock } from '../ledger/fixtures.js'

function plainPurser() {
  return createPurser({
    agent: 'researcher',
    wallets: [tempo({ account: privateKeyToAccount(`0x${'17'.repeat(32)}`) })],
    policy: {
      perPayment: '0.10 USD',
      budgets: [{ limit: '5 USD', per: 'day' }],
      vendors: [{ origin: 'https://api.example' }],
    },
    ledger: memoryLedger(),
  })
}

test('an amount is written as JSON with its value as a text, its currency, and a text for people', () => {
  expect(JSON.parse(JSON.stringify({ price: amount(10_000n, CURRENCIES.pathUSD) }))).toEqual({
    price: {
      value: '10000',
      currency: CURRENCIES.pathUSD.id,
      decimals: 6,
      symbol: 'pathUSD',
      text: '0.01 pathUSD',
    },
  })
})

test('payments of the ledger, and budgets, are written as JSON', async () => {
  const ledger = memoryLedger({ clock: new TestClock() })
  await ledger.renew('me', 60_000)
  await ledger.hold(await holdOf(ledger, 'p1'))
  await ledger.advance('p1', committed())
  const { payment } = await ledger.advance('p1', settled)
  const { units, terms, state } = JSON.parse(JSON.stringify(payment))
  expect(units).toBe(payment.units.toString())
  expect([state, terms.most.value]).toEqual(['settled', payment.terms.most.value.toString()])

  const purser = plainPurser()
  const [budget] = JSON.parse(JSON.stringify(await purser.budgets()))
  expect(budget).toMatchObject({ limit: '5000000000', spent: '0', held: '0', remaining: '5000000000' })
  await purser.close()
})

test('an unknown event is an error that names all events, and so is a listener that is no function', () => {
  const purser = plainPurser()
  const wrong: string = 'payments'
  // @ts-expect-error no such event
  expect(() => purser.on(wrong, () => undefined)).toThrow(/No event is called payments.*payment, receipt/)
  // @ts-expect-error an inherited name is no event
  expect(() => purser.on('constructor', () => undefined)).toThrow(TypeError)
  // @ts-expect-error no function
  expect(() => purser.on('payment', 'log')).toThrow(/must be a function/)
})

test.each([
  [
    'throws',
    () => {
      throw new Error('boom')
    },
  ],
  ['rejects', () => Promise.reject(new Error('boom'))],
])('a listener that %s is told as an error, and every other listener is called', async (_, listener) => {
  const events = new Events()
  const errors: PurserEvents['error'][] = []
  const seen: unknown[] = []
  events.on('error', (event) => errors.push(event))
  events.on('not_paid', listener)
  events.on('not_paid', (event) => seen.push(event))
  events.emit('not_paid', { reasons: [] })
  await expect
    .poll(() => errors)
    .toMatchObject([{ during: 'listener of not_paid', error: { name: 'Error' } }])
  expect(errors[0]?.thrown()).toMatchObject({ message: 'boom' })
  expect(seen).toEqual([{ reasons: [] }])
})

test('a listener of error that throws is not told to itself', async () => {
  const events = new Events()
  let calls = 0
  events.on('error', () => {
    calls++
    throw new Error('again')
  })
  events.emit('error', { error: new Error('first'), during: 'test' })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(calls).toBe(1)
})

test('a subscriber of diagnostics_channel that throws does not end the process', async () => {
  await using server = await serve((response) => response.writeHead(402).end())
  const script = `
    import { subscribe } from 'node:diagnostics_channel'
    import { createPurser } from './src/index.ts'
    import { memoryLedger } from './src/entry/ledger-memory.ts'
    import { tempo } from './src/entry/wallet-tempo.ts'
    import { privateKeyToAccount } from 'viem/accounts'
    const purser = createPurser({
      agent: 'a', wallets: [tempo({ account: privateKeyToAccount('0x' + '17'.repeat(32)) })],
      policy: { perPayment: '1', budgets: [{ limit: '5', per: 'day' }], vendors: [{ origin: ${JSON.stringify(server.url)} }] },
      ledger: memoryLedger(),
    })
    const heard = []
    purser.on('error', ({ thrown, during }) => heard.push(during + ': ' + thrown().message))
    subscribe('purser:not_paid', () => { throw new Error('boom') })
    subscribe('purser:not_paid', () => heard.push('second subscriber'))
    await purser.fetch(${JSON.stringify(server.url)})
    await new Promise((resolve) => setTimeout(resolve, 50))
    console.log(JSON.stringify(heard))
    await purser.close()
  `
  const node = ['--import', 'tsx', '--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, node, { timeout: 14_000 })
  expect(JSON.parse(stdout)).toEqual(['second subscriber', 'listener of not_paid: boom'])
})
