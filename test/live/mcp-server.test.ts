import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { LocalAccount } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alphaUSD, CURRENCY_SETTINGS, NETWORK, pathUSD } from '../chain/chain.js'
import { PRICE } from '../chain/server.js'
import { tempoGate } from '../mcp/gates.js'
import { serveNew, serveOld } from '../mcp/sdk-http.js'
import { type BuiltCommand, buildCommand } from '../serve/command.js'
import { connectHost, HOSTS, type HostName, type TestHost } from '../serve/kit.js'
import { DOLLAR, startWorld, type World } from './world.js'

let world: World
let command: BuiltCommand
let folder: string
beforeAll(async () => {
  world = await startWorld()
  command = await buildCommand()
  folder = mkdtempSync(join(tmpdir(), 'purser-mcp-'))
  // A person who says yes once a file is there.
  writeFileSync(
    join(folder, 'approver.mjs'),
    `import { existsSync } from 'node:fs'
     export default async (request, signal) => {
       while (!existsSync(new URL('./yes', import.meta.url))) {
         signal.throwIfAborted()
         await new Promise((resolve) => setTimeout(resolve, 50))
       }
       return { approved: true, by: 'ann' }
     }`,
  )
})
afterAll(async () => {
  command?.remove()
  if (folder !== undefined) rmSync(folder, { recursive: true })
  await world?.stop()
})

interface Agent {
  readonly host: TestHost
  readonly account: LocalAccount
  /** What left the account on the chain, in smallest parts of a dollar. */
  left(): Promise<bigint>
}

let agents = 0

/** A host in this process, with `purser mcp` as its child and two dollars on the chain. */
async function startAgent(name: HostName, policy: object, args: readonly string[] = []): Promise<Agent> {
  const { chain, api } = world
  const account = await chain.account(2n * DOLLAR)
  const prefix = join(folder, String(++agents))
  writeFileSync(`${prefix}.key`, account.key, { mode: 0o600 })
  const vendors = [{ origin: api.origin }]
  writeFileSync(`${prefix}.policy.json`, JSON.stringify({ vendors, networks: [NETWORK], ...policy }))
  const tempo = { key: `${prefix}.key`, rpc: { [chain.id]: chain.url } }
  writeFileSync(
    `${prefix}.json`,
    JSON.stringify({
      policy: `${prefix}.policy.json`,
      ledger: `${prefix}.db`,
      currencies: CURRENCY_SETTINGS,
      wallets: { tempo },
    }),
  )
  const Stdio = name === 'sdk 1.32' ? OldStdio : ModernStdio
  const transport = new Stdio({
    command: process.execPath,
    args: [command.file, 'mcp', '--config', `${prefix}.json`, ...args],
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    stderr: 'inherit',
  })
  const host = await connectHost(name, transport)
  const wealth = async () =>
    (await chain.balanceOf(alphaUSD, account.address)) + (await chain.balanceOf(pathUSD, account.address))
  const before = await wealth()
  return { host, account, left: async () => before - (await wealth()) }
}

const ROOMY = { perPayment: '1', budgets: [{ limit: '50', per: 'day' }] }

describe.each(HOSTS)('purser mcp on a chain, with %s', (name) => {
  it('pays a real server, and says what the chain says', async () => {
    const { host, left } = await startAgent(name, ROOMY)
    try {
      const answer = await host.call('paid_fetch', { url: world.api.url('/paid') })
      expect(answer.data).toMatchObject({
        outcome: 'delivered',
        status: 200,
        funds: 'settled',
        payment: { price: '0.01 AlphaUSD', vendor: world.api.origin, delivered: true },
      })
      const gone = await left()
      expect(gone).toBeGreaterThanOrEqual(PRICE)
      expect(gone).toBeLessThan(2n * PRICE)
      const { id } = Object(answer.data['payment'])
      expect((await host.call('payment', { id })).data).toMatchObject({
        payment: { state: 'settled' },
        receipts: 1,
      })
      expect(await host.read(`purser://payments/${id}/receipts`)).toContain('"success": true')
    } finally {
      await host.close()
    }
  })

  it('is refused what the budget does not allow: nothing moves', async () => {
    const { host, left } = await startAgent(name, {
      perPayment: '1',
      budgets: [{ limit: '0.05', per: 'day' }],
    })
    try {
      const answer = await host.call('paid_fetch', { url: world.api.url('/price/0.25') })
      expect(answer.isError).toBe(false)
      expect(answer.data).toMatchObject({ outcome: 'refused', funds: 'untouched' })
      expect(answer.text).toMatch(/0\.05 USD/)
      expect(await left()).toBe(0n)
    } finally {
      await host.close()
    }
  })
})

describe('purser mcp on a chain', () => {
  it('answers within 30 s that a person must decide, and the same call pays once after the yes', async () => {
    const policy = { ...ROOMY, ask: [{ above: '0.005' }] }
    const { host, left } = await startAgent('sdk 1.32', policy, ['--approver', join(folder, 'approver.mjs')])
    try {
      const args = { url: world.api.url('/paid?approved') }
      const progress: unknown[] = []
      const started = performance.now()
      const pending = await host.call('paid_fetch', args, { onprogress: (heard) => progress.push(heard) })
      const waited = performance.now() - started
      expect(pending.data).toMatchObject({ outcome: 'approval_pending', funds: 'held' })
      expect(waited).toBeLessThan(30_000)
      expect(progress.length).toBeGreaterThanOrEqual(2)
      expect(await left()).toBe(0n)
      writeFileSync(join(folder, 'yes'), '')
      const paid = await host.call('paid_fetch', args)
      expect(paid.data).toMatchObject({
        outcome: 'delivered',
        payment: { approvedBy: 'ann', state: 'settled' },
      })
      const gone = await left()
      expect(gone).toBeGreaterThanOrEqual(PRICE)
      expect(gone).toBeLessThan(2n * PRICE)
    } finally {
      await host.close()
    }
  }, 60_000)
})

describe('purser mcp in front of a server that charges, on a chain', () => {
  it.each(HOSTS)(
    '%s knows nothing of payments, and uses the paid tool of a server over HTTP',
    async (name) => {
      const upstream = await serveNew({ gate: tempoGate(world.chain), form: 'result' })
      const policy = { ...ROOMY, vendors: [{ origin: 'mcp:shop' }] }
      const { host, left } = await startAgent(name, policy, ['--upstream', `shop=${upstream.url}`])
      try {
        const names = (await host.tools()).map((tool) => tool.name)
        expect(names).toContain('search')
        const answer = await host.call('search')
        expect([answer.isError, answer.text, answer.data]).toEqual([false, 'one result', { found: 1 }])
        const gone = await left()
        expect(gone).toBeGreaterThanOrEqual(PRICE)
        expect(gone).toBeLessThan(2n * PRICE)
        const [payment] = Object((await host.call('payments')).data)['payments']
        expect(payment).toMatchObject({ state: 'settled', vendor: 'mcp:shop' })
      } finally {
        await host.close()
        await upstream.close()
      }
    },
  )

  it('an upstream that the policy does not list is not paid, and the answer says so', async () => {
    const upstream = await serveOld({ gate: tempoGate(world.chain) })
    const { host, left } = await startAgent('sdk 1.32', ROOMY, ['--upstream', `shop=${upstream.url}`])
    try {
      const answer = await host.call('search')
      expect(answer.isError).toBe(true)
      expect(answer.text).toContain('mcp:shop')
      expect(await left()).toBe(0n)
    } finally {
      await host.close()
      await upstream.close()
    }
  })
})
