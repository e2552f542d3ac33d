import { request } from 'node:http'
import { StreamableHTTPClientTransport as ModernHttp } from '@modelcontextprotocol/client'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type RunningHttp, serveHttp } from '../../src/serve/index.js'
import { connectHost, HOSTS } from './kit.js'

const TOKEN = 't'.repeat(40)
let served: RunningHttp
let called = 0

beforeAll(async () => {
  const make = () => {
    const server = new McpServer({ name: 'test', version: '1' })
    server.registerTool(
      'echo',
      { inputSchema: z.strictObject({ text: z.string() }), outputSchema: z.object({ text: z.string() }) },
      async ({ text }, { mcpReq }) => {
        called++
        if (mcpReq._meta?.progressToken !== undefined)
          await mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken: mcpReq._meta.progressToken, progress: 1 },
          })
        return { content: [{ type: 'text', text }], structuredContent: { text } }
      },
    )
    return server
  }
  served = await serveHttp(make, { port: 0, token: TOKEN })
})
afterAll(() => served.close())

/** Sends a raw request, with headers that `fetch` would not send. */
function send(
  headers: Record<string, string>,
  { path = '/mcp', method = 'POST', body = '{}' } = {},
): Promise<number> {
  const { port } = new URL(served.url)
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.once('error', reject)
    sent.end(method === 'POST' ? body : undefined)
  })
}

const good = {
  authorization: `Bearer ${TOKEN}`,
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

describe.each(HOSTS)('over HTTP, a host with %s', (name) => {
  it('calls tools with the token, and hears of progress', async () => {
    const init = { requestInit: { headers: { authorization: `Bearer ${TOKEN}` } } }
    const url = new URL(served.url)
    const host = await connectHost(
      name,
      name === 'sdk 1.32' ? new OldHttp(url, init) : new ModernHttp(url, init),
    )
    const heard: unknown[] = []
    const answer = await host.call(
      'echo',
      { text: 'tea' },
      { onprogress: (progress) => heard.push(progress) },
    )
    expect(answer.data).toEqual({ text: 'tea' })
    expect(heard).toHaveLength(1)
    await host.close()
  })

  it('gets nothing without the token', async () => {
    const url = new URL(served.url)
    const before = called
    await expect(
      connectHost(name, name === 'sdk 1.32' ? new OldHttp(url) : new ModernHttp(url)),
    ).rejects.toThrow()
    expect(called).toBe(before)
  })
})

describe('a request over HTTP', () => {
  it.each([
    ['a foreign name in Host (DNS rebinding)', { ...good, host: 'evil.example' }, 421],
    ['this name with another port', { ...good, host: '127.0.0.1:1' }, 421],
    ['a foreign Origin', { ...good, origin: 'https://evil.example' }, 403],
    ['an Origin of another port', { ...good, origin: 'http://localhost:1' }, 403],
    ['the Origin null', { ...good, origin: 'null' }, 403],
    ['a page of another site', { ...good, 'sec-fetch-site': 'cross-site' }, 403],
    ['no token', { 'content-type': 'application/json' }, 401],
    ['a wrong token', { ...good, authorization: `Bearer ${'u'.repeat(40)}` }, 401],
    ['the token under another scheme', { ...good, authorization: `Basic ${TOKEN}` }, 401],
  ] as const)('is not served with %s', async (_, headers, status) => {
    const before = called
    expect(await send(headers)).toBe(status)
    expect(called).toBe(before)
  })

  it('is not served with the token in the address, on another path, or as a form', async () => {
    expect(await send({ 'content-type': 'application/json' }, { path: `/mcp?token=${TOKEN}` })).toBe(401)
    expect(await send(good, { path: '/' })).toBe(404)
    expect(await send({ ...good, 'content-type': 'application/x-www-form-urlencoded' })).toBe(415)
    expect(await send({ origin: 'https://evil.example' }, { method: 'OPTIONS' })).toBe(403)
  })

  it('is not served if it is larger than any argument', async () => {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { x: 'x'.repeat(5_000_000) },
    })
    expect(await send(good, { body }).catch(() => 413)).toBe(413)
  })
})
