import { describe, expect, test } from 'vitest'
import { isPaymentError } from '../../src/index.js'
import { type McpTransport, payingClient } from '../../src/mcp/index.js'
import {
  at,
  challenge,
  credentialOf,
  FakeTransport,
  type Handle,
  pause,
  purserFor,
  required,
  shop,
  type WorldOptions,
} from './kit.js'

/** A client of the simplest kind, with the methods of an SDK's. */
class Client {
  transport: McpTransport | undefined
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #next = 0

  async connect(transport: McpTransport): Promise<void> {
    this.transport = transport
    transport.onmessage = (message) => {
      const waiting = this.#waiting.get(Number(at(message, 'id')))
      const error = at(message, 'error')
      if (error === undefined) waiting?.resolve({ ...Object(at(message, 'result')) })
      else
        waiting?.reject(Object.assign(new Error(String(at(error, 'message'))), { code: at(error, 'code') }))
    }
    await transport.start()
  }

  callTool(params: object, options: { readonly timeout?: number } = {}): Promise<unknown> {
    return this.#request('tools/call', params, options)
  }

  readResource(params: object): Promise<unknown> {
    return this.#request('resources/read', params, {})
  }

  #request(method: string, params: object, { timeout }: { readonly timeout?: number }): Promise<unknown> {
    const id = ++this.#next
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      void this.transport?.send({ jsonrpc: '2.0', id, method, params })
      if (timeout === undefined) return
      setTimeout(() => {
        void this.transport?.send({
          jsonrpc: '2.0',
          method: 'notifications/cancelled',
          params: { requestId: id },
        })
        reject(new Error('Request timed out'))
      }, timeout)
    })
  }
}

async function connected(handle?: Handle, options?: WorldOptions) {
  const made = purserFor(options)
  const transport = new FakeTransport(handle ?? shop(() => made.rail))
  const client = payingClient(new Client(), made.purser, { server: 'shop' })
  await client.connect(transport)
  return { ...made, transport, client }
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('payingClient', () => {
  test('pays, and paymentFor has the payment behind a result', async () => {
    const { client, purser, transport } = await connected()
    const result = await client.callTool({ name: 'search' })
    expect(purser.paymentFor(Object(result))).toMatchObject({ state: 'settled', delivered: true })
    expect(await client.readResource({ uri: 'docs://a' })).toMatchObject({ content: [] })
    expect(JSON.stringify(transport.sent)).not.toContain('purser/call')
  })

  test('throws the refusal, with its reasons', async () => {
    const { client, purser } = await connected(() => required(challenge({ cents: 200 })))
    const error = await failure(client.callTool({ name: 'search' }))
    expect(error).toMatchObject({
      name: 'PaymentRefusedError',
      code: 'refused',
      funds: 'untouched',
      reasons: [{ rule: 'perPayment' }],
    })
    expect(purser.paymentFor(Object(error))).toMatchObject({ state: 'refused' })
  })

  test('throws the payment error of a call that timed out after the credential left', async () => {
    const { client, wallet } = await connected((request) =>
      credentialOf(request) === undefined ? required(challenge()) : undefined,
    )
    const error = await failure(client.callTool({ name: 'search' }, { timeout: 50 }))
    expect(isPaymentError(error, 'payment_in_doubt')).toBe(true)
    expect(error).toMatchObject({ funds: 'unknown' })
    expect(wallet.signed).toHaveLength(1)
  })

  test("throws the client's own error if no payment is behind it", async () => {
    const { client } = await connected(() => ({ error: { code: -32000, message: 'no such tool' } }))
    expect(await failure(client.callTool({ name: 'search' }))).toMatchObject({
      message: 'no such tool',
      code: -32000,
    })
    const silent = await connected(() => undefined)
    expect(await failure(silent.client.callTool({ name: 'search' }, { timeout: 20 }))).toMatchObject({
      message: 'Request timed out',
    })
  })

  test('leaves a server alone that the policy does not list', async () => {
    const { client, transport } = await connected(() => required(challenge()), { servers: ['mcp:other'] })
    expect(await failure(client.callTool({ name: 'search' }))).toMatchObject({ code: -32042 })
    expect(JSON.stringify(transport.sent)).not.toContain('purser/')
  })

  test('must be connected itself, and leaves the given client as it is', async () => {
    const { purser } = purserFor()
    const bare = new Client()
    const client = payingClient(bare, purser, { server: 'shop' })
    const transport = new FakeTransport(() => ({ result: {} }))
    await bare.connect(transport)
    expect(bare.transport).toBe(transport)
    await expect(client.callTool({ name: 'search' })).rejects.toThrow(TypeError)
    await pause()
  })
})
