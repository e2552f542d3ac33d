import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { jsonRpc, payingTransport, type RpcRequest } from '../../src/mcp/index.js'
import { challenge, credentialOf, FakeTransport, purserFor, required, served, shop } from '../mcp/kit.js'
import { buyer } from './shop.js'

// A program may give one signal to all of its calls. Listeners that stay would fill its memory.

const CALLS = 20

it('a signal that many calls share has no listener of them after their end: fetch', async () => {
  const { signal } = new AbortController()
  const { purser, url } = shopFor()
  for (let n = 0; n < CALLS; n++) await (await purser.fetch(`${url}?${n}`, { signal })).text()
  for (let n = 0; n < CALLS; n++) await (await purser.quote(`${url}?${n}`, { signal })).reply.text()
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

it('a signal that many calls share has no listener of them after their end: JSON-RPC', async () => {
  const { signal } = new AbortController()
  const { purser, rail } = purserFor({ servers: ['jsonrpc:shop'] })
  const send = async (request: RpcRequest) => ({
    jsonrpc: '2.0' as const,
    id: request.id,
    ...(credentialOf(request) === undefined ? required(challenge()) : served(request, rail)),
  })
  const call = jsonRpc(send, purser, { server: 'shop' })
  for (let id = 0; id < CALLS; id++)
    await call({ jsonrpc: '2.0', id, method: 'search', params: { id } }, { signal })
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

it('a signal that many calls share has no listener of them after their end: MCP', async () => {
  const { signal } = new AbortController()
  const { purser, rail } = purserFor()
  const paying = payingTransport(new FakeTransport(shop(() => rail)), purser, { server: 'shop' })
  for (let id = 0; id < CALLS; id++) {
    const answered = new Promise((resolve) => {
      paying.onmessage = resolve
    })
    await paying.send(
      { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'search', arguments: { id } } },
      { requestSignal: signal },
    )
    await answered
  }
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

function shopFor() {
  const purser = buyer({
    ledger: memoryLedger(),
    inspect: async () => ({ state: 'unknown', reason: 'x' }),
    limit: '100',
  })
  return { purser, url: 'https://shop.example/tea' }
}
