import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { isPaymentError } from '../../../src/errors/index.js'
import { ask, node } from '../../../src/wallet/chain/rpc.js'
import { serveRaw } from '../../fetch/kit.js'

const MIB = 1024 * 1024

const HUGE: Record<string, (response: ServerResponse) => void> = {
  'does not end'(response) {
    response.write('{"jsonrpc":"2.0","id":1,"result":"')
    const more = (): void => {
      if (response.destroyed) return
      if (response.write('x'.repeat(65_536))) setImmediate(more)
      else response.once('drain', more)
    }
    more()
  },
  'unpacks to a gibibyte'(response) {
    const bomb = Buffer.concat(Array<Buffer>(32).fill(gzipSync(Buffer.alloc(32 * MIB, 0x20))))
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
  },
  'announces a gibibyte'(response) {
    response.writeHead(200, { 'content-length': String(1024 * MIB) }).write('{')
  },
}

/** Long before a node is given up by itself. */
function soon(asking: Promise<unknown>): Promise<unknown> {
  const late = new Promise((resolve) => setTimeout(resolve, 3_000, 'late'))
  return Promise.race([asking, late])
}

async function failureOf(asking: Promise<unknown>): Promise<unknown> {
  return asking.then(
    () => 'no failure',
    (error: unknown) => error,
  )
}

describe('an answer of a node that', () => {
  test.each(Object.entries(HUGE))('%s is abandoned, and the next node is asked', async (_, answer) => {
    const sockets = new Set<IncomingMessage['socket']>()
    await using huge = await serveRaw((request, response) => {
      sockets.add(request.socket)
      answer(response)
    })
    await using good = await serveRaw((_, response) => response.end('{"result":"0x1"}'))
    const before = process.memoryUsage()
    const error = await failureOf(node(huge.url, fetch).call('eth_getLogs', []))
    expect(isPaymentError(error, 'wallet_unavailable')).toBe(true)
    expect(String(error)).toContain('eth_getLogs with more than 4 MiB')
    expect(String(error)).not.toContain(huge.url)
    await expect.poll(() => [...sockets].every(({ destroyed }) => destroyed)).toBe(true)
    const taken = [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0)
    expect(taken).toBeLessThan(24 * MIB)
    const after = process.memoryUsage()
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(128 * MIB)
    expect(await ask([node(huge.url, fetch), node(good.url, fetch)], 'eth_chainId', [])).toBe('0x1')
  })

  test('is of two mebibytes is read', async () => {
    const result = 'x'.repeat(2 * MIB)
    await using server = await serveRaw((_, response) => response.end(JSON.stringify({ result })))
    expect(await node(server.url, fetch).call('eth_getLogs', [])).toBe(result)
  })

  test('is of half a mebibyte instead of a number is abandoned', async () => {
    const result = 'x'.repeat(MIB / 2)
    await using server = await serveRaw((_, response) => response.end(JSON.stringify({ result })))
    const error = await failureOf(node(server.url, fetch).call('eth_chainId', []))
    expect(String(error)).toContain('eth_chainId with more than 0.25 MiB')
  })

  test('breaks off, or is not JSON, is no answer', async () => {
    for (const text of ['{"result":"0x', '', 'null', '<html>']) {
      await using server = await serveRaw((_, response) => response.end(text))
      const error = await failureOf(node(server.url, fetch).call('eth_chainId', []))
      expect(String(error)).toContain('did not answer eth_chainId')
    }
  })
})

test('an abort ends the wait even if fetch ignores it, or if the body arrives slowly', async () => {
  const abort = new AbortController()
  const deaf: typeof fetch = () => new Promise(() => {})
  const asking = failureOf(node('http://127.0.0.1:1', deaf).call('eth_chainId', [], abort.signal))
  abort.abort()
  expect(String(await soon(asking))).toContain('did not answer')

  await using server = await serveRaw((_, response) => response.write('{"result":'))
  const second = new AbortController()
  const reading = failureOf(node(server.url, (input) => fetch(input)).call('eth_chainId', [], second.signal))
  setTimeout(() => second.abort(), 50)
  expect(String(await soon(reading))).toContain('did not answer')
})
