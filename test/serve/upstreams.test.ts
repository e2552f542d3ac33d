import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { upstreamsIn } from '../../src/cli/upstreams.js'
import type { ApprovalAnswer, PolicyDocument, Purser } from '../../src/index.js'
import { Upstream } from '../../src/serve/index.js'
import { type Elicit, HOSTS, type HostName, ORIGIN, type Setup, type ShopSetup, setUp } from './kit.js'
import { UPSTREAM_PROGRAM } from './upstream-server.js'

const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))
let folder: string
const open: Upstream[] = []
const told: string[] = []

beforeAll(() => {
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, 'upstream-'))
  writeFileSync(join(folder, 'up.mjs'), UPSTREAM_PROGRAM)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((upstream) => upstream.close()))
})
afterAll(() => rmSync(folder, { recursive: true }))

const VENDORS: PolicyDocument = { vendors: [{ origin: ORIGIN }, { origin: 'mcp:up' }] }

function start(name: HostName, setup: ShopSetup = {}, elicit?: Elicit): Promise<Setup> {
  const make = (purser: Purser): readonly Upstream[] => {
    const tell = (sentence: string): void => void told.push(sentence)
    const at = (upstream: string, file: string): Upstream =>
      new Upstream({
        name: upstream,
        place: { command: process.execPath, args: [join(folder, file)] },
        purser,
        version: '0',
        tell,
      })
    const missing = { command: join(folder, 'missing'), args: [] }
    const all = [
      at('up', 'up.mjs'),
      new Upstream({ name: 'gone', place: missing, purser, version: '0', tell }),
    ]
    open.push(...all)
    return all
  }
  return setUp(name, { ...setup, policy: { ...VENDORS, ...setup.policy }, upstreams: make }, elicit)
}

const settled = async (purser: Purser): Promise<number> => {
  let count = 0
  for await (const { state, resource } of purser.payments())
    if (state === 'settled' && resource.vendor === 'mcp:up') count++
  return count
}

describe.each(HOSTS)('an upstream server that charges (%s)', (name) => {
  it('appears as it is, and its paid tool is paid', async () => {
    const { host, purser } = await start(name)
    const tools = await host.tools()
    expect(tools.find((tool) => tool.name === 'search')).toMatchObject({
      description: 'The tool search',
      annotations: { readOnlyHint: true },
      inputSchema: { required: ['q'] },
    })
    const answer = await host.call('search', { q: 'tea' })
    expect(answer).toMatchObject({ isError: false, text: 'found tea', data: { found: 'tea' } })
    expect(await settled(purser)).toBe(1)
    expect(await host.read('up://page')).toBe('read up://page')
    expect(await host.read('up://items/7')).toBe('read up://items/7')
    // A name that Purser has stays Purser's.
    expect((await host.call('payments')).data).toMatchObject({ payments: [{ vendor: 'mcp:up' }] })
    expect((await host.call('up_payments')).text).toBe("the upstream's payments")
    expect((await host.call('up_up_payments')).text).toBe("the upstream's up_payments")
    expect(told.join()).toContain('gone cannot be reached')
  })

  it('passes an error on: its code, its message and its data, cleaned and bounded', async () => {
    const { host } = await start(name)
    const failing = (data: unknown) =>
      host
        .call('fails', { code: -32050, words: 'no\u202e such thing', data })
        .catch((error: unknown) => error)
    expect(await failing({ why: 'the cup\u200b is empty' })).toMatchObject({
      code: -32050,
      message: expect.stringContaining('no such thing'),
      data: { why: 'the cup is empty' },
    })
    const long = await failing({ all: Array.from({ length: 100 }, () => 'x'.repeat(1_900)) })
    expect(long).toMatchObject({ code: -32050 })
    expect(Object(long).data).toBeUndefined()
    // The upstream judges its arguments itself.
    await expect(host.call('search', { q: 7 })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('q must be a text'),
    })
    await expect(host.read('up://items/none')).rejects.toMatchObject({
      code: -32051,
      message: expect.stringContaining('no item'),
    })
  })

  it('is offered and never paid if the policy does not list it, and the answer says so', async () => {
    const { host, purser } = await start(name, { policy: { vendors: [{ origin: ORIGIN }] } })
    const answer = await host.call('search', { q: 'tea' })
    expect(answer.isError).toBe(true)
    expect(answer.text).toContain('does not list the vendor mcp:up')
    expect(await settled(purser)).toBe(0)
  })

  it('is refused beyond the policy, with the reasons', async () => {
    const { host, purser } = await start(name, { policy: { perPayment: '0.05' } })
    const answer = await host.call('search', { q: 'tea' })
    expect(answer.isError).toBe(true)
    expect(answer.text).toMatch(/0\.05 USD/)
    expect(answer.text).toContain('untouched')
    expect(await settled(purser)).toBe(0)
  })

  it('waits for a person no longer than any call, and pays once after the yes', async () => {
    let say: (answer: ApprovalAnswer) => void = () => undefined
    const { host, purser } = await start(name, {
      policy: { ask: [{ above: '0.01' }] },
      approver: () =>
        new Promise((resolve) => {
          say = resolve
        }),
    })
    const pending = await host.call('search', { q: 'tea' })
    expect(pending.text).toMatch(/Waiting for a person.*Call search again/)
    say({ approved: true, by: 'ann' })
    expect(await host.call('search', { q: 'tea' })).toMatchObject({ isError: false, data: { found: 'tea' } })
    expect(await settled(purser)).toBe(1)
  })

  it('has a resource that waits for a person no longer than any call, and is paid once after the yes', async () => {
    let say: (answer: ApprovalAnswer) => void = () => undefined
    const { host, purser } = await start(name, {
      policy: { ask: [{ above: '0.01' }] },
      approver: () =>
        new Promise((resolve) => {
          say = resolve
        }),
    })
    await expect(host.read('up://items/paid')).rejects.toMatchObject({
      code: 402,
      message: expect.stringContaining('Waiting for a person'),
    })
    say({ approved: true, by: 'ann' })
    expect(await host.read('up://items/paid')).toBe('read up://items/paid')
    expect(await settled(purser)).toBe(1)
  })

  it('can die without taking the others down, and is started again', async () => {
    const { host } = await start(name)
    expect((await host.call('die')).isError).toBe(true)
    expect((await host.call('paid_fetch', { url: `${ORIGIN}/tea` })).data).toMatchObject({
      outcome: 'delivered',
    })
    expect((await host.call('up_payments')).text).toBe("the upstream's payments")
  })

  it('can offer more tools later, and reports progress', async () => {
    const { host } = await start(name)
    expect((await host.tools()).some((tool) => tool.name === 'grown')).toBe(false)
    await host.call('grow')
    await expect.poll(async () => (await host.tools()).some((tool) => tool.name === 'grown')).toBe(true)
    const heard: unknown[] = []
    await host.call('progress', {}, { onprogress: (progress) => heard.push(progress) })
    expect(heard).toEqual([expect.objectContaining({ progress: 7, message: 'half' })])
  })

  it('does not get the settings of Purser', async () => {
    process.env['PURSER_TEST_SECRET'] = '1'
    try {
      const { host } = await start(name)
      expect((await host.call('env')).text).toBe('')
    } finally {
      delete process.env['PURSER_TEST_SECRET']
    }
  })
})

describe.each(HOSTS)('a host whose upstream asks during a call (%s)', (name) => {
  it('shows the question to its user, and the upstream gets the answer', async () => {
    const asked: string[] = []
    const { host } = await start(name, {}, async (message) => {
      asked.push(message)
      return { action: 'accept', content: {} }
    })
    expect((await host.call('ask')).text).toBe('the user said accept')
    expect(asked).toEqual(['Which tea?'])
  })

  it('shows several questions, one after the other and at once, each answered by its own answer', async () => {
    const { host } = await start(name, {}, async (message) => ({
      action: 'accept',
      content: { tea: message.slice(6, -1) },
    }))
    expect((await host.call('ask-twice')).text).toBe('accept tea, accept cup, accept spoon')
  })

  it('asks its model', async () => {
    const prompts: string[] = []
    const { host } = await start(name, {
      sample: async (prompt) => {
        prompts.push(prompt)
        return 'oolong'
      },
    })
    expect((await host.call('sample')).text).toBe('the model said oolong')
    expect(prompts).toEqual([expect.stringContaining('Name a tea.')])
  })

  it('is not asked while a call of another host is under way: the question may belong to that call', async () => {
    const shown: string[] = []
    const show: Elicit = async (message) => {
      shown.push(message)
      return { action: 'accept', content: {} }
    }
    const first = await start(name, {}, show)
    const upstreams = [...open]
    const other = await setUp(name, { upstreams: () => upstreams }, show)
    const leaving = new AbortController()
    const waiting = other.host.call('wait', {}, { signal: leaving.signal }).catch(() => undefined)
    await pause(100)
    expect((await first.host.call('ask')).text).toMatch(/nobody was asked: .*several hosts/)
    expect(shown).toEqual([])
    leaving.abort()
    await waiting
    await pause(100)
    expect((await first.host.call('ask')).text).toBe('the user said accept')
  })

  it('is not asked if it does not declare that it can, and the upstream gets the reason', async () => {
    const { host } = await start(name)
    expect((await host.call('ask')).text).toMatch(/nobody was asked: .*does not declare.*elicitation/)
  })
})

describe('--upstream', () => {
  it('names a server by an address or a command', () => {
    expect(upstreamsIn(['a=https://mcp.example/x', `b=node up.mjs --root "/a b" 'c d'`])).toEqual([
      { name: 'a', place: { url: new URL('https://mcp.example/x') } },
      { name: 'b', place: { command: 'node', args: ['up.mjs', '--root', '/a b', 'c d'] } },
    ])
    expect(upstreamsIn(['a=http://127.0.0.1:1/mcp'])).toHaveLength(1)
  })

  it.each(['x', '=node', 'A=node', 'a=', 'a=http://mcp.example', 'a=https://u@mcp.example'])(
    'refuses %s',
    (text) => {
      expect(() => upstreamsIn([text])).toThrow(/--upstream/)
    },
  )

  it('refuses a name that is given twice', () => {
    expect(() => upstreamsIn(['a=node x', 'a=node y'])).toThrow(/two upstream/)
  })
})
