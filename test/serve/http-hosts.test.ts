import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ApprovalRequest, Purser } from '../../src/index.js'
import { Upstream } from '../../src/serve/index.js'
import { type Elicit, HOSTS, type HostName, ORIGIN, type Setup, type ShopSetup, setUp } from './kit.js'
import { UPSTREAM_PROGRAM } from './upstream-server.js'

const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))
let folder: string
const closing: (() => Promise<void>)[] = []

beforeAll(() => {
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, 'http-hosts-'))
  writeFileSync(join(folder, 'up.mjs'), UPSTREAM_PROGRAM)
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(() => rmSync(folder, { recursive: true }))

async function start(name: HostName, setup: ShopSetup = {}, elicit?: Elicit): Promise<Setup> {
  const started = await setUp(name, { over: 'http', ...setup }, elicit)
  closing.push(async () => {
    await started.host.close()
    await started.served?.close()
  })
  return started
}

const upstreams = (purser: Purser): readonly Upstream[] => {
  const upstream = new Upstream({
    name: 'up',
    place: { command: process.execPath, args: [join(folder, 'up.mjs')] },
    purser,
    version: '0',
    tell: () => undefined,
  })
  closing.push(() => upstream.close())
  return [upstream]
}

const accept: Elicit = async () => ({ action: 'accept', content: { approve: true } })
const ASKS = { ask: [{ above: '0.01' }] }

describe.each(HOSTS)('over HTTP, a host with %s', (name) => {
  it('gets the questions of an upstream, for its user and for its model', async () => {
    const { host } = await start(name, { upstreams, sample: async () => 'oolong' }, accept)
    expect((await host.call('ask')).text).toBe('the user said accept')
    expect((await host.call('sample')).text).toBe('the model said oolong')
  })

  it('can answer for a payment, if that is allowed', async () => {
    const { host, paid } = await start(name, { policy: ASKS, elicitation: true }, accept)
    expect((await host.call('paid_fetch', { url: `${ORIGIN}/tea` })).data).toMatchObject({
      outcome: 'delivered',
    })
    expect(paid()).toBe(1)
  })

  it('hangs up during a call: the call ends, and is not paid after a yes', async () => {
    const asked: ApprovalRequest[] = []
    let yes = (): void => undefined
    const { host, paid } = await start(name, {
      policy: ASKS,
      options: { personMs: 5_000 },
      approver: (request) => {
        asked.push(request)
        return new Promise((resolve) => {
          yes = () => resolve({ approved: true, by: 'ann' })
        })
      },
    })
    const call = host.call('paid_fetch', { url: `${ORIGIN}/tea` }).catch(() => undefined)
    while (asked.length === 0) await pause(10)
    await host.close()
    await pause(200)
    yes()
    await pause(200)
    expect(paid()).toBe(0)
    await call
  })
})

const HEADERS = {
  authorization: `Bearer ${'t'.repeat(40)}`,
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
}

describe('a session over HTTP', () => {
  const post = (url: string, message: object, headers: object = {}): Promise<Response> =>
    fetch(url, { method: 'POST', headers: { ...HEADERS, ...headers }, body: JSON.stringify(message) })

  it('needs the token for each request', async () => {
    const { served } = await start('sdk 1.32')
    const url = served?.url ?? ''
    const session = (await post(url, INITIALIZE)).headers.get('mcp-session-id') ?? ''
    expect(session).toMatch(/^[0-9a-f-]{36}$/)
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }
    expect((await post(url, list, { 'mcp-session-id': session })).status).toBe(200)
    expect((await post(url, list, { 'mcp-session-id': session, authorization: 'Bearer x' })).status).toBe(401)
  })

  it('of an earlier process is served without questions', async () => {
    const { served } = await start('sdk 1.32')
    const answer = await post(
      served?.url ?? '',
      { jsonrpc: '2.0', id: 2, method: 'tools/list' },
      { 'mcp-session-id': 'of-an-earlier-process' },
    )
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('paid_fetch')])
  })

  it('that was not used for the longest time ends when there are too many', async () => {
    const { served } = await start('sdk 1.32')
    const url = served?.url ?? ''
    const open = async (): Promise<string> =>
      (await post(url, INITIALIZE)).headers.get('mcp-session-id') ?? ''
    const first = await open()
    for (let n = 0; n < 64; n++) await open()
    const end = (session: string): Promise<number> =>
      fetch(url, { method: 'DELETE', headers: { ...HEADERS, 'mcp-session-id': session } }).then(
        ({ status }) => status,
      )
    expect(await end(first)).toBe(405)
    expect(await end(await open())).toBe(200)
  })
})
