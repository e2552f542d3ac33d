/**
 * Calls `purser mcp` through the command line of MCP Inspector, as a user who looks at a new server does: over stdio and over HTTP, in
 * both eras of MCP, with a paid API on a local chain whose balances are read. Needs `npm run build`, `npm run inspector:install`, and
 * Node 22.19 or later for the Inspector alone: if this Node is older, `npm run runtimes:install` brings one.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alphaUSD, CURRENCY_SETTINGS, NETWORK, pathUSD } from '../test/chain/chain.js'
import { DOLLAR, startWorld } from '../test/live/world.js'
import { ROOT } from './check/entries.js'

const COMMAND = join(ROOT, 'dist/cli.js')
const INSPECTOR = join(
  ROOT,
  'tools/inspector/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
)
const ERAS = ['legacy', 'modern'] as const

const node = nodeFor(22, 19)
for (const [file, script] of [
  [COMMAND, 'build'],
  [INSPECTOR, 'inspector:install'],
  [node, 'runtimes:install'],
] as const)
  if (!existsSync(file)) throw new TypeError(`${file} is missing: npm run ${script}`)
chmodSync(node, 0o755)

const home = mkdtempSync(join(tmpdir(), 'purser-inspector-'))
const world = await startWorld()
const { chain, api } = world
const account = await chain.account(2n * DOLLAR)
const wealth = async () =>
  (await chain.balanceOf(alphaUSD, account.address)) + (await chain.balanceOf(pathUSD, account.address))
const config = writeConfig()
const children: ChildProcess[] = []
let failed = 0

try {
  const web = await serveHttp()
  // In a file, as hosts have it: the Inspector would take the command's own `--config` for itself.
  const servers = { purser: { command: process.execPath, args: [COMMAND, 'mcp', '--config', config] } }
  const stdio = [
    '--config',
    write('servers.json', JSON.stringify({ mcpServers: servers })),
    '--server',
    'purser',
  ]
  for (const era of ERAS) {
    await tryServer(`stdio, ${era}`, era, stdio)
    await tryServer(`HTTP, ${era}`, era, web)
  }
} finally {
  for (const child of children) child.kill('SIGTERM')
  await world.stop()
  rmSync(home, { recursive: true, force: true })
}
process.exitCode = failed === 0 ? 0 : 1

/** Lists the tools, pays, reads the policy, and asks for a payment that the policy refuses. */
async function tryServer(name: string, era: (typeof ERAS)[number], server: readonly string[]): Promise<void> {
  const inspect = (...args: readonly string[]) =>
    runInspector([...server, '--protocol-era', era, '--format', 'json', '--quiet', '--method', ...args])
  const paidFetch = (path: string) =>
    inspect(
      'tools/call',
      '--tool-name',
      'paid_fetch',
      '--tool-args-json',
      JSON.stringify({ url: api.url(path) }),
    )
  const start = performance.now()
  const before = await wealth()
  const tools = await inspect('tools/list', '--strict')
  const paid = await paidFetch('/paid')
  const gone = before - (await wealth())
  const refused = await paidFetch('/price/0.25')
  const policy = await inspect('resources/read', '--uri', 'purser://policy')
  const wrong = [
    /"paid_fetch"/.test(tools) ? [] : ['tools/list', tools],
    /"outcome": ?"delivered"/.test(paid) && gone >= 10_000n && gone < 20_000n ? [] : [`paid ${gone}`, paid],
    /"outcome": ?"refused"/.test(refused) && before - (await wealth()) === gone ? [] : ['refused', refused],
    policy.includes('perPayment') ? [] : ['policy', policy],
  ].flat()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(
    `${name.padEnd(14)}  ${wrong.length === 0 ? `ok: ${gone} parts left the account` : 'FAILED'}  ${seconds} s`,
  )
  if (wrong.length > 0) console.log(wrong.join('\n').slice(0, 4_000))
  if (wrong.length > 0) failed++
}

/** Runs the Inspector once. It has a home of its own, so that it keeps nothing of this user. */
function runInspector(args: readonly string[]): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: home }
  return new Promise((resolve) => {
    execFile(node, [INSPECTOR, '--cli', ...args], { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve(error === null ? stdout : `${error.message}\n${stdout}\n${stderr}`),
    )
  })
}

/** Starts `purser mcp --http`, and returns the arguments that lead the Inspector there. */
async function serveHttp(): Promise<readonly string[]> {
  const token = join(home, 'token')
  const args = [COMMAND, 'mcp', '--config', config, '--http', '0', '--token-file', token]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  children.push(child)
  const url = await new Promise<string>((resolve, reject) => {
    let printed = ''
    child.once('close', () => reject(new TypeError(printed)))
    child.stderr.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
      const found = /serving MCP at (\S+)/.exec(printed)?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  const secret = readFileSync(token, 'utf8').trim()
  return ['--server-url', url, '--transport', 'http', '--header', `Authorization: Bearer ${secret}`]
}

/** The settings of the command: a key with two dollars, and a policy that allows ten cents for each payment. */
function writeConfig(): string {
  const policy = {
    perPayment: '0.10',
    budgets: [{ limit: '1', per: 'day' }],
    vendors: [{ origin: api.origin }],
    networks: [NETWORK],
  }
  const settings = {
    policy: write('policy.json', JSON.stringify(policy)),
    ledger: join(home, 'ledger.db'),
    currencies: CURRENCY_SETTINGS,
    wallets: { tempo: { key: write('account.key', account.key), rpc: { [chain.id]: chain.url } } },
  }
  return write('config.json', JSON.stringify(settings))
}

function write(name: string, text: string): string {
  writeFileSync(join(home, name), text, { mode: 0o600 })
  return join(home, name)
}

/** This Node if it is new enough, or the one of `tools/runtimes`. */
function nodeFor(major: number, minor: number): string {
  const [running = 0, point = 0] = process.versions.node.split('.').map(Number)
  if (running > major || (running === major && point >= minor)) return process.execPath
  return join(ROOT, 'tools/runtimes/node_modules/node22/bin/node')
}
