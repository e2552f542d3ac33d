import { Client as NewClient, InMemoryTransport as NewPair } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport as OldPair } from '@modelcontextprotocol/sdk/inMemory.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { payingTransport } from '../../src/mcp/index.js'
import { at, CREDENTIAL, challenge, pause, purserFor, RECEIPT, type WorldOptions } from './kit.js'
import { CLIENT_LINES, connect } from './sdk-clients.js'
import { type HttpServer, serveNew, serveOld } from './sdk-http.js'
import { type Form, type Gate, newServer, oldServer } from './sdk-servers.js'

/** A gate without real money: it takes each challenge once. */
function gate(): Gate {
  const open = new Set<string>()
  return async (meta) => {
    const id = at(meta, CREDENTIAL, 'challenge', 'id')
    if (typeof id === 'string' && open.delete(id)) {
      const receipt = { status: 'success', method: 'tempo', challengeId: id }
      return { kind: 'serve', receipt: (result) => ({ ...result, _meta: { [RECEIPT]: receipt } }) }
    }
    const asked = challenge()
    open.add(asked.id)
    if (id === undefined)
      return {
        kind: 'ask',
        code: -32042,
        message: 'Payment Required',
        data: { httpStatus: 402, challenges: [asked] },
      }
    const failure = { reason: 'replayed', detail: 'this challenge was used' }
    return { kind: 'ask', code: -32043, message: 'used', data: { challenges: [asked], failure } }
  }
}

const INFO = { name: 'a test', version: '1' }

describe('in memory', () => {
  test('the client of 1.x keeps its output checks, progress and abort signals', async () => {
    const { purser } = purserFor()
    const [near, far] = OldPair.createLinkedPair()
    let go = (): void => {}
    const slow = () => new Promise<void>((resolve) => (go = resolve))
    await oldServer({ gate: gate(), slow }).connect(far)
    const client = new OldClient(INFO)
    const errors: unknown[] = []
    client.onerror = (error) => void errors.push(error)
    await client.connect(payingTransport(near, purser, { server: 'shop' }))
    await client.listTools()
    const found = await client.callTool({ name: 'search', arguments: {} })
    expect(found.structuredContent).toEqual({ found: 1 })
    let progress = 0
    const calling = client.callTool({ name: 'slow', arguments: {} }, undefined, {
      onprogress: () => void progress++,
    })
    while (progress === 0) await pause()
    go()
    expect(await calling).toMatchObject({ content: [{ text: 'at last' }] })
    const control = new AbortController()
    const aborted = client.callTool({ name: 'slow', arguments: {} }, undefined, {
      signal: control.signal,
      onprogress: () => control.abort(new Error('given up')),
    })
    await expect(aborted).rejects.toThrow('given up')
    await client.close()
    expect(errors).toEqual([])
  })

  test('the client of 2.x pays too', async () => {
    const { purser, wallet } = purserFor()
    const [near, far] = NewPair.createLinkedPair()
    await newServer({ gate: gate() }).connect(far)
    const client = new NewClient(INFO)
    await client.connect(payingTransport(near, purser, { server: 'shop' }))
    expect(await client.callTool({ name: 'search', arguments: {} })).toMatchObject({
      structuredContent: { found: 1 },
    })
    expect(await client.readResource({ uri: 'docs://tea' })).toMatchObject({
      contents: [{ text: 'a page about tea' }],
    })
    expect(await client.getPrompt({ name: 'greet' })).toMatchObject({ messages: [{ role: 'user' }] })
    expect(wallet.signed).toHaveLength(3)
    await client.close()
  })

  test('servers hear what the client pays', async () => {
    const { purser } = purserFor()
    const [near, far] = OldPair.createLinkedPair()
    const server = oldServer({ gate: gate() })
    await server.connect(far)
    const client = new OldClient(INFO)
    await client.connect(payingTransport(near, purser, { server: 'shop' }))
    expect(server.server.getClientCapabilities()?.experimental).toEqual({
      payment: { methods: { tempo: { intents: ['charge'] } } },
    })
  })
})

describe.each([
  ['the server of 1.x', serveOld, ['error', 'result'], ['1.x', '2.x']],
  ['the server of 2.x', serveNew, ['error', 'result'], CLIENT_LINES],
] as const)('over HTTP: %s', (_, serve, forms, lines) => {
  const servers = new Map<Form, HttpServer>()
  beforeAll(async () => {
    for (const form of forms) servers.set(form, await serve({ gate: gate(), form }))
  })
  afterAll(async () => {
    for (const server of servers.values()) await server.close()
  })
  const cases = lines.flatMap((line) =>
    forms.filter((form) => line !== '2.x modern' || form === 'result').map((form) => [line, form] as const),
  )

  test.each(cases)('a client of %s pays after an %s', async (line, form) => {
    const server = servers.get(form)
    if (server === undefined) throw new Error('no server')
    const options: WorldOptions = {}
    const { purser, wallet } = purserFor(options)
    const client = await connect(line, server.url, purser)
    expect(await client.callTool('free')).toMatchObject({ content: [{ text: 'free of charge' }] })
    const found = await client.callTool('search')
    expect(found).toMatchObject({ structuredContent: { found: 1 } })
    expect(purser.paymentFor(found)).toMatchObject({ state: 'settled', delivered: true })
    expect(await client.readResource('docs://tea')).toMatchObject({
      contents: [{ text: 'a page about tea' }],
    })
    expect(await client.getPrompt('greet')).toMatchObject({ messages: [{ role: 'user' }] })
    const failed = await client.callTool('fails')
    expect(failed).toMatchObject({ isError: true })
    expect(purser.paymentFor(failed)).toMatchObject({ state: 'settled', delivered: false })
    expect(wallet.signed).toHaveLength(4)
    await expect(
      client.callTool('search', { meta: { 'purser/payment': { maxAmount: '0.01' } } }),
    ).rejects.toMatchObject({
      name: 'PaymentRefusedError',
      funds: 'untouched',
    })
    await client.close()
  })
})
