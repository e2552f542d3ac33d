import { Client as NewClient } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { afterEach, describe, expect, it } from 'vitest'
import { payingClient, payingTransport } from '../../src/mcp/index.js'
import { type PaidTool, type PaidTools, paidTools, type TestPurser } from '../../src/testing/index.js'
import { closeAll, POLICY, purserOf } from './kit.js'

afterEach(closeAll)

const CENT = '0.01 USD'
const INFO = { name: 'an agent', version: '1' }
const ofTools = () => purserOf({ policy: { ...POLICY, vendors: [{ origin: 'mcp:shop' }] } })

async function connect(tools: PaidTools, { purser }: TestPurser): Promise<NewClient> {
  const client = payingClient(new NewClient(INFO), purser, { server: 'shop' })
  await client.connect(tools.transport())
  return client
}

const call = (client: NewClient, name = 'search', args = {}) => client.callTool({ name, arguments: args })

/** How a call ends: `answer`, `failed` for a failed tool, or the code of its error. */
async function endOf(calling: Promise<object>): Promise<unknown> {
  try {
    return 'isError' in (await calling) ? 'failed' : 'answer'
  } catch (error) {
    return Object(error).code
  }
}

describe('paidTools', () => {
  it('charges the client of each SDK, and keeps account', async () => {
    const tools = paidTools({
      search: { price: CENT, description: 'a search', answer: ({ query }) => `about ${String(query)}` },
      report: { price: '0.05 USD', answer: { pages: 3 } },
    })
    const test = ofTools()
    const client = await connect(tools, test)
    expect((await client.listTools()).tools.map(({ name, description }) => [name, description])).toEqual([
      ['search', 'a search'],
      ['report', undefined],
    ])
    const found = await call(client, 'search', { query: 'tea' })
    expect(found).toMatchObject({ content: [{ text: 'about tea' }] })
    expect(test.purser.paymentFor(found)).toMatchObject({
      state: 'settled',
      delivered: true,
      proof: 'receipt',
    })
    expect(await call(client, 'report')).toMatchObject({ structuredContent: { pages: 3 } })

    const old = new OldClient(INFO)
    const transport = payingTransport(tools.transport(), test.purser, { server: 'shop' })
    // The SDK's own interface does not fit under `exactOptionalPropertyTypes`.
    await Reflect.apply(old.connect, old, [transport])
    await old.callTool({ name: 'search', arguments: { query: 'rain' } })

    expect([tools.taken(), await test.paid(), test.wallet.signatures]).toEqual(['0.07 USD', '0.07 USD', 3])
    expect([tools.taken('search'), tools.requests('search')]).toEqual(['0.02 USD', 4])
    expect(tools.payments('report')).toMatchObject([{ route: 'report', price: '0.05 USD' }])
    tools.reset()
    expect(tools.taken()).toBe('0 USD')
  })

  it.each([
    ['x402, version 2', ['x402/exact']],
    ['x402, version 1', [{ kind: 'x402/exact', version: 1 }]],
    ['a card', ['stripe/charge']],
  ] as const)('is paid by %s', async (_, offers) => {
    const tools = paidTools({ search: { price: CENT, offers } })
    const test = ofTools()
    expect(await endOf(call(await connect(tools, test)))).toBe('answer')
    expect([tools.taken(), await test.paid()]).toEqual([CENT, CENT])
    expect(await test.payments()).toMatchObject([{ state: 'settled', delivered: true, proof: 'receipt' }])
  })

  it('is refused by the policy: nothing is signed', async () => {
    const tools = paidTools({ search: '5 USD' })
    const test = ofTools()
    await expect(call(await connect(tools, test))).rejects.toMatchObject({
      code: 'refused',
    })
    expect([tools.taken(), test.wallet.signatures]).toEqual(['0 USD', 0])
  })

  it('says what does not exist', async () => {
    const tools = paidTools({ search: CENT })
    const client = await connect(tools, ofTools())
    await expect(call(client, 'serch')).rejects.toThrow('Unknown tool serch')
    await expect(client.ping()).resolves.toEqual({})
    await expect(
      client.complete({ ref: { type: 'ref/prompt', name: 'x' }, argument: { name: 'x', value: '' } }),
    ).rejects.toThrow()
    expect(() => tools.change('serch', { price: CENT })).toThrow(
      /There is no route 'serch': did you mean search/,
    )
    expect(() => paidTools({ search: { price: CENT, offers: ['tempo/session'] } })).toThrow(/no sessions/)
    expect(() => tools.change('search', { offers: [{ kind: 'tempo/session' }] })).toThrow(/no sessions/)
    expect(() => Reflect.apply(paidTools, undefined, [{ search: { cost: CENT } }])).toThrow(
      /has no option cost/,
    )
  })
})

describe('a tool with a fault', () => {
  const FAULTS: readonly (readonly [PaidTool['fault'], unknown, string])[] = [
    ['loses-answer', 'paid_not_delivered', CENT],
    ['fails-after-payment', 'failed', CENT],
    ['fails-before-payment', 'failed', '0 USD'],
    ['rotates-challenge', 'answer', CENT],
    ['always-402', 'payment_in_doubt', '0 USD'],
    ['takes-and-asks-again', 'paid_not_delivered', CENT],
    ['raises-price', 'payment_in_doubt', '0 USD'],
    ['no-receipt', 'answer', CENT],
    ['no-offer', -32042, '0 USD'],
    ['unreadable-offer', -32042, '0 USD'],
  ]
  it.each(FAULTS)('%s ends with %s; the server took %s', async (fault, end, taken) => {
    const tools = paidTools({ search: fault === undefined ? CENT : { price: CENT, fault } })
    const test = ofTools()
    const client = await connect(tools, test)
    expect(await endOf(call(client))).toBe(end)
    expect(tools.taken()).toBe(taken)
    await test.advance('1m')
    expect([await test.paid(), await test.held()]).toEqual([taken, '0 USD'])
  })

  it('that ends is paid again', async () => {
    const tools = paidTools({ search: CENT })
    const client = await connect(tools, ofTools())
    tools.change('search', { fault: 'fails-after-payment', answer: 'tea' })
    expect(await endOf(call(client))).toBe('failed')
    tools.change('search', { fault: undefined })
    expect(await call(client, 'search', { query: 'green' })).toMatchObject({ content: [{ text: 'tea' }] })
  })
})
