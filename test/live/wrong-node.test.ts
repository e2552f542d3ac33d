import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alphaUSD, type Chain, pathUSD, startChain } from '../chain/chain.js'
import { problemIn, startWorld, type World } from './world.js'

// A node in `rpc` that is of another chain, or no node at all, must be found out before its word counts.

let world: World
let other: Chain
/** What was asked of the other chain, and of what is no node. */
let asked: string[] = []
/** A node of the other chain that keeps a list of what it is asked. */
let stranger: Server
/** It answers everything with a number, and knows no chain. */
let fake: Server
let page: Server

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

async function serve(answer: (body: string) => Promise<string> | string): Promise<Server> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    response.setHeader('content-type', 'application/json').end(await answer(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

beforeAll(async () => {
  world = await startWorld()
  other = await startChain([], 31_338)
  stranger = await serve(async (body) => {
    asked.push(JSON.parse(body).method)
    return (
      await fetch(other.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    ).text()
  })
  fake = await serve((body) => {
    const { id, method } = JSON.parse(body)
    asked.push(method)
    return JSON.stringify({
      jsonrpc: '2.0',
      id,
      result: method === 'eth_chainId' ? 'tempo' : `0x${'0'.repeat(64)}`,
    })
  })
  page = await serve(() => '<html>It works!</html>')
})
afterAll(async () => {
  for (const server of [stranger, fake, page]) server?.close()
  await other?.stop()
  await world?.stop()
})

const rpc = (...urls: string[]) => {
  asked = []
  return { wallet: { rpc: { [world.chain.id]: urls } } }
}

describe('a node of another chain', () => {
  it('is not believed that the account holds nothing: the payment goes on, and an anomaly tells it once', async () => {
    const buyer = await world.buyer(rpc(urlOf(stranger)))
    const anomalies = buyer.heard('anomaly')
    for (const n of [0, 1, 2]) expect((await buyer.get(`/paid?n=${n}`)).status).toBe(200)
    expect(anomalies).toMatchObject([
      {
        kind: 'node_of_another_chain',
        message: expect.stringMatching(/for eip155:31337 serves eip155:31338.*rpc\[31337\]/),
      },
    ])
    expect(JSON.stringify(anomalies)).not.toContain(urlOf(stranger))
    expect(new Set(asked)).toEqual(new Set(['eth_chainId']))
  })

  it('is not believed that the account holds plenty, if another node knows better', async () => {
    const account = await world.chain.account()
    await other.fund(account.address, alphaUSD, 1_000_000n)
    const buyer = await world.buyer({ account, ...rpc(urlOf(stranger), world.chain.url) })
    const problem = await problemIn(await buyer.get('/paid'))
    expect(problem).toMatchObject({ code: 'insufficient_funds', funds: 'untouched' })
    expect(buyer.signatures()).toBe(0)
    await world.chain.fund(account.address, alphaUSD, 1_000_000n)
    expect((await buyer.get('/paid')).status).toBe(200)
  })

  it('gets no payment that the wallet broadcasts itself, and nothing is in doubt', async () => {
    const buyer = await world.buyer({ ...rpc(urlOf(stranger)) })
    await expect(buyer.get('/push')).rejects.toMatchObject({
      code: 'wallet_unavailable',
      funds: 'untouched',
      message: expect.stringContaining('`rpc` option'),
    })
    expect(asked).not.toContain('eth_sendRawTransaction')
    expect((await buyer.payments()).map(({ state }) => state)).not.toContain('committed')
    expect(await buyer.left()).toBe(0n)
  })
})

describe('what is no node', () => {
  it.each(['numbers', 'a page'])('is not believed: it answers %s', async (what) => {
    const buyer = await world.buyer(rpc(urlOf(what === 'a page' ? page : fake)))
    const anomalies = buyer.heard('anomaly')
    for (const n of [0, 1]) expect((await buyer.get(`/paid?n=${n}`)).status).toBe(200)
    expect(anomalies).toMatchObject([
      { kind: 'node_unusable', message: expect.stringContaining('did not report its chain id') },
    ])
    expect(new Set(asked)).toEqual(new Set(what === 'a page' ? [] : ['eth_chainId']))
  })
})

describe('a node of the right chain', () => {
  it('is asked for its chain once, and for nothing in steady state', async () => {
    const calls: string[] = []
    const counted: typeof fetch = (input, init) => {
      calls.push(JSON.parse(String(init?.body)).method)
      return fetch(input, init)
    }
    const buyer = await world.buyer({ wallet: { fetch: counted } })
    const anomalies = buyer.heard('anomaly')
    await Promise.all([0, 1, 2].map((n) => buyer.get(`/paid?n=${n}`)))
    expect(calls).toEqual(['eth_chainId', 'eth_call'])
    for (const n of [3, 4, 5]) expect((await buyer.get(`/paid?n=${n}`)).status).toBe(200)
    expect(calls).toEqual(['eth_chainId', 'eth_call'])
    expect(anomalies).toEqual([])
    expect(await world.chain.balanceOf(pathUSD, buyer.account.address)).toBe(100_000n)
  })

  it('is used as soon as it answers, although it did not before', async () => {
    let down = true
    const gate: typeof fetch = (input, init) =>
      down ? Promise.reject(new TypeError('down')) : fetch(input, init)
    const buyer = await world.buyer({ wallet: { fetch: gate } })
    await expect(buyer.get('/push')).rejects.toMatchObject({ funds: 'untouched' })
    down = false
    expect((await buyer.get('/push?again')).status).toBe(200)
  })
})
