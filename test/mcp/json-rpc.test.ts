import { describe, expect, test } from 'vitest'
import { jsonRpc, type RpcRequest, type RpcResponse } from '../../src/mcp/index.js'
import { at, CREDENTIAL, challenge, purserFor, RECEIPT, required, type WorldOptions } from './kit.js'

function node(options: WorldOptions = {}, lost = false) {
  const made = purserFor({ servers: ['jsonrpc:node'], ...options })
  const seen: RpcRequest[] = []
  const send = async (request: RpcRequest): Promise<RpcResponse> => {
    seen.push(request)
    const credential = at(request, '_meta', CREDENTIAL)
    if (credential === undefined) return { jsonrpc: '2.0', id: request.id, ...required(challenge()) }
    if (lost) throw new TypeError('fetch failed')
    const id = String(at(credential, 'challenge', 'id'))
    made.rail.accept({}, id)
    const receipt = { status: 'success', method: 'tempo', challengeId: id }
    return { jsonrpc: '2.0', id: request.id, result: '0x1', _meta: { [RECEIPT]: receipt } }
  }
  return { ...made, seen, call: jsonRpc(send, made.purser, { server: 'node' }) }
}

const block = { jsonrpc: '2.0', id: 1, method: 'eth_getBlockByNumber', params: ['latest', false] } as const

describe('jsonRpc', () => {
  test('pays with a root _meta, and leaves the params alone', async () => {
    const { call, seen, purser } = node()
    const reply = await call(block)
    expect(reply.result).toBe('0x1')
    expect(seen[1]).toMatchObject({
      id: 1,
      params: ['latest', false],
      _meta: { [CREDENTIAL]: { challenge: { realm: 'a server' } } },
    })
    expect(purser.paymentFor(reply)).toMatchObject({
      state: 'settled',
      delivered: true,
      resource: { transport: 'jsonrpc', vendor: 'jsonrpc:node', operation: 'eth_getBlockByNumber' },
    })
  })

  test.each([
    ['at the root for a method of its own', { ...block, params: { query: 'tea' } }, {}, 'root'],
    [
      "in the params for MCP's methods",
      { ...block, method: 'tools/call', params: { name: 'search' } },
      {},
      'params',
    ],
    ['in the params if the caller says so', { ...block, params: undefined }, { meta: 'params' }, 'params'],
    ['at the root if the params are a list', block, { meta: 'params' }, 'root'],
    [
      'at the root if the caller says so',
      { ...block, method: 'tools/call', params: {} },
      { meta: 'root' },
      'root',
    ],
  ] as const)('the credential is %s', async (_, request, options, place) => {
    const { purser } = purserFor({ servers: ['jsonrpc:node'] })
    const seen: RpcRequest[] = []
    const send = async (message: RpcRequest): Promise<RpcResponse> => {
      seen.push(message)
      return {
        jsonrpc: '2.0',
        id: message.id,
        ...(seen.length === 1 ? required(challenge()) : { result: 1 }),
      }
    }
    await jsonRpc(send, purser, { server: 'node', ...options })(request)
    const [, paid] = seen
    const places = [at(paid, '_meta', CREDENTIAL), at(paid, 'params', '_meta', CREDENTIAL)]
    expect(places.map((credential) => credential !== undefined)).toEqual([
      place === 'root',
      place === 'params',
    ])
    expect(paid).toMatchObject(request.params === undefined ? {} : { params: request.params })
  })

  test('a place that does not exist is a mistake of the caller', () => {
    const { purser } = purserFor()
    const options: object = { server: 'node', meta: 'header' }
    expect(() => Reflect.apply(jsonRpc, undefined, [() => undefined, purser, options])).toThrow(
      "'meta' must be 'root' or 'params'",
    )
  })

  test('a refusal is an answer with the code 402, or an error', async () => {
    const { call, purser } = node()
    const reply = await call(block, { payment: { maxAmount: '0.01' } })
    expect(reply).toMatchObject({ id: 1, error: { code: 402, data: { code: 'refused' } } })
    expect(purser.paymentFor(reply)).toMatchObject({ state: 'refused' })
    const strict = node({ onRefusal: 'throw' })
    await expect(strict.call(block, { payment: { maxAmount: '0.01' } })).rejects.toMatchObject({
      code: 'refused',
    })
  })

  test('a lost answer is a doubt, and the request is not sent again by itself', async () => {
    const { call, seen, wallet } = node({}, true)
    await expect(call(block)).rejects.toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect([seen.length, wallet.signed.length]).toEqual([2, 1])
  })

  test('the policy may list methods', async () => {
    const { call } = node({ policy: { vendors: [{ origin: 'jsonrpc:node', tools: ['eth_call'] }] } })
    expect(await call(block)).toMatchObject({ error: { code: 402 } })
    expect(await call({ ...block, method: 'eth_call' })).toMatchObject({ result: '0x1' })
  })

  test('an abort ends the wait', async () => {
    const { purser } = purserFor({ servers: ['jsonrpc:node'] })
    const call = jsonRpc(() => new Promise(() => undefined), purser, { server: 'node' })
    await expect(call(block, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })

  test('a vendor that the policy does not list is not paid, and paymentFor says why', async () => {
    const { call, purser } = node({ servers: ['jsonrpc:other'] })
    const reply = await call(block)
    expect(reply.error?.code).toBe(-32042)
    expect(purser.paymentFor(reply)).toMatchObject({ state: 'not_paid', reasons: [{ rule: 'vendors' }] })
  })
})
