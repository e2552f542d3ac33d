import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ran, type TokenShop, tokenShop } from '../auto/kit.js'
import { type BuiltCommand, buildCommand } from './command.js'
import { connectHost, HOSTS, type HostName } from './kit.js'

let command: BuiltCommand
let shop: TokenShop
const folder = mkdtempSync(join(tmpdir(), 'purser-command-'))

beforeAll(async () => {
  command = await buildCommand()
  shop = await tokenShop()
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  write(
    'policy.yaml',
    `# a note of the operator\n{ perPayment: 2, budgets: [{ limit: 50, per: day }], networks: ["stripe:test"], vendors: [{ origin: "${shop.origin}" }] }`,
  )
  write('tokens.mjs', 'let n = 0; export const createToken = async () => "spt_test_" + ++n')
  write(
    'config.yaml',
    'policy: policy.yaml\nledger: ledger.db\nwallets:\n  stripe: { module: tokens.mjs, livemode: false }\n',
  )
  write('nobody.mjs', 'export const approver = 1')
  // The folder that Claude Desktop and others have as their home.
  mkdirSync(join(folder, '.config', 'purser'), { recursive: true })
  writeFileSync(
    join(folder, '.config', 'purser', 'config.yaml'),
    `policy: ${join(folder, 'policy.yaml')}\nledger: ${join(folder, 'ledger.db')}\nwallets:\n  stripe: { module: ${join(folder, 'tokens.mjs')}, livemode: false }\n`,
  )
})
afterAll(async () => {
  await shop.close()
  command.remove()
  rmSync(folder, { recursive: true })
})

const env = () => ({ PATH: process.env['PATH'] ?? '', HOME: folder })
const config = () => ['--config', join(folder, 'config.yaml')]

/** Runs the command to its end. */
function run(args: readonly string[], stdin = ''): Promise<Ran> {
  const child = spawn(process.execPath, [command.file, ...args], { env: env() })
  const ran = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    ran.stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    ran.stderr += chunk.toString()
  })
  child.stdin.end(stdin)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...ran, code }))
  })
}

function stdio(name: HostName, file: string, args: readonly string[]) {
  const Stdio = name === 'sdk 1.32' ? OldStdio : ModernStdio
  return new Stdio({ command: file, args: [...args], env: env(), stderr: 'pipe' })
}

describe('purser', () => {
  it('says what it can do, and which version it is', async () => {
    const help = await run(['--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toMatch(/mcp/)
    expect(await run(['mcp', '--help'])).toMatchObject({ code: 0, stderr: '' })
    expect(await run(['--version'])).toMatchObject({ code: 0, stderr: '' })
  })

  it.each([
    [['mcp', '--limit', '5'], /unknown option/],
    [['pay'], /unknown command/],
    [['mcp', '--http', 'x', '--token-file', 'y'], /must be a port/],
    [['mcp', '--http'], /--token-file/],
    [['mcp', '--config', '/none/config.yaml'], /PURSER_CONFIG/],
    [['mcp', '--save-to', '/none'], /folder that exists/],
  ])('ends with code 2 for %j, and writes nothing to stdout', async (args, says) => {
    const ran = await run(args)
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(says)
  })

  it('refuses an approver that is no function', async () => {
    const ran = await run(['mcp', ...config(), '--approver', join(folder, 'nobody.mjs')])
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(/default export/)
  })

  it('ends when its host has gone', async () => {
    expect(await run(['mcp', ...config()])).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })
})

describe.each(HOSTS)('purser mcp over stdio, with %s', (name) => {
  it('pays, and shows the policy without the notes of its file', async () => {
    const host = await connectHost(name, stdio(name, process.execPath, [command.file, 'mcp', ...config()]))
    try {
      const answer = await host.call('paid_fetch', {
        url: `${shop.origin}/tea`,
        method: 'POST',
        body: 'green',
      })
      expect(answer.data).toMatchObject({ outcome: 'delivered', body: 'served POST green', funds: 'settled' })
      const policy = await host.read('purser://policy')
      expect(JSON.parse(policy)).toMatchObject({ vendors: [{ origin: shop.origin }] })
      expect(policy).not.toContain('a note')
      // A loopback address that the policy does not list.
      const other = await host.call('paid_fetch', { url: 'http://127.0.0.1:1/' })
      expect(other.data).toMatchObject({ refusal: { code: 'not_sent' } })
    } finally {
      await host.close()
    }
  })
})

describe('purser mcp --http', () => {
  it('creates a token that only its user can read, and serves with it', async () => {
    const token = join(folder, 'state', 'token')
    const child = spawn(
      process.execPath,
      [command.file, 'mcp', ...config(), '--http', '0', '--token-file', token],
      {
        env: env(),
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    try {
      const url = await new Promise<string>((resolve) => {
        let said = ''
        child.stderr.on('data', (chunk: Buffer) => {
          said += chunk.toString()
          const found = /serving MCP at (\S+)/.exec(said)?.[1]
          if (found !== undefined) resolve(found)
        })
      })
      expect(statSync(token).mode & 0o777).toBe(0o600)
      const headers = { authorization: `Bearer ${readFileSync(token, 'utf8').trim()}` }
      const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
      const host = await connectHost('sdk 2.4, 2026-07-28', transport)
      expect((await host.call('paid_fetch', { url: `${shop.origin}/tea` })).data).toMatchObject({
        outcome: 'delivered',
      })
      await host.close()
      expect((await fetch(url, { method: 'POST' })).status).toBe(401)
    } finally {
      child.kill('SIGTERM')
    }
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(code).toBe(0)
    writeFileSync(token, 'x'.repeat(40), { mode: 0o644 })
  })

  it('refuses a token that others can read, or that is too short', async () => {
    const loose = join(folder, 'loose')
    writeFileSync(loose, 'x'.repeat(40), { mode: 0o644 })
    expect((await run(['mcp', ...config(), '--http', '0', '--token-file', loose])).stderr).toMatch(
      /chmod 600/,
    )
    const short = join(folder, 'short')
    writeFileSync(short, 'abc', { mode: 0o600 })
    expect((await run(['mcp', ...config(), '--http', '0', '--token-file', short])).stderr).toMatch(
      /at least 32/,
    )
  })
})

describe('the configurations in docs/mcp-server.md', () => {
  const page = readFileSync(new URL('../../docs/mcp-server.md', import.meta.url), 'utf8')
  /** The examples have the home `/home/ann` and the project `/home/ann/agent`. */
  const here = (text: string): string =>
    text.replaceAll('/home/ann/agent', folder).replaceAll('/home/ann', folder)
  const fences = [...page.matchAll(/^```(json|sh)\n([\s\S]*?)^```$/gm)].map(([, language, code = '']) => ({
    language,
    code,
  }))
  const servers = fences
    .filter(({ language }) => language === 'json')
    .flatMap(({ code }): { command?: string; args?: string[]; url?: string }[] => {
      const { mcpServers, servers }: { mcpServers?: object; servers?: object } = JSON.parse(here(code))
      return Object.values({ ...mcpServers, ...servers })
    })
  const lines = fences
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => here(code).split('\n'))
    .filter((line) => line.startsWith('claude mcp add') && line.includes(' -- '))

  it('are for Claude Desktop, Claude Code, Cursor and VS Code', () => {
    for (const host of ['Claude Desktop', 'Claude Code', 'Cursor', 'VS Code'])
      expect(page).toContain(`### ${host}`)
    expect(servers.filter(({ command }) => command !== undefined).length).toBeGreaterThanOrEqual(4)
    expect(lines).toHaveLength(1)
  })

  it('start a server that lists the tools, exactly as they are written', async () => {
    command.install(folder)
    const started = [
      ...servers.flatMap(({ command: file, args = [] }) => (file === undefined ? [] : [{ file, args }])),
      ...lines.map((line) => {
        const [file = '', ...args] = (line.split(' -- ')[1] ?? '').split(' ')
        return { file, args }
      }),
    ]
    for (const { file, args } of started) {
      const host = await connectHost('sdk 1.32', stdio('sdk 1.32', file, args))
      expect((await host.tools()).map((tool) => tool.name)).toContain('paid_fetch')
      await host.close()
    }
  }, 60_000)

  it('name every option of the command, and no other', async () => {
    const { stdout } = await run(['mcp', '--help'])
    const options = (text: string): string[] =>
      [...new Set([...text.matchAll(/--[a-z][a-z-]+/g)].map(([option]) => option))].sort()
    const documented = options(page.split('## Options')[1]?.split('\n## ')[0] ?? '')
    expect(documented).toEqual(options(stdout).filter((option) => option !== '--help'))
  })
})
