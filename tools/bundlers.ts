/**
 * Builds small programs with the bundlers of the documentation and runs them: webpack and esbuild for Node, workerd with and
 * without `nodejs_compat`, webpack for a page. Each pays a real server on a local chain. Needs `npm run build` and
 * `npm run bundlers:install`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { ROOT } from './check/entries.js'
import { startWorld } from './first-steps/world.js'

const PAID = { status: 200, text: 'tea, from the paid API', made: 200, states: ['settled', 'settled'] }
/** Compatibility dates and flags of Workers. Before November 2024 `cache` of a request was not implemented. */
const WORKERS: readonly (readonly [date: string, ...flags: readonly string[]])[] = [
  ['2024-09-23'],
  ['2024-09-23', 'nodejs_compat'],
  ['2026-11-01'],
  ['2026-11-01', 'nodejs_compat'],
]
const TOOLS = join(ROOT, 'tools/bundlers')
const home = mkdtempSync(join(tmpdir(), 'purser-bundlers-'))
const world = await startWorld()
const env = {
  AGENT_KEY: world.ownKey,
  API: `http://127.0.0.1:${world.hosts['api.example']}`,
  RPC: `http://127.0.0.1:${world.hosts['rpc.tempo.xyz']}`,
}
const children: ChildProcess[] = []
let failed = 0

try {
  installPurser()
  await attempt('esbuild, one file for Node', async () => {
    await esbuildFor('node', { platform: 'node', external: ['@photostructure/sqlite'] })
    return run('node.mjs', /^200 tea, from the paid API settled/)
  })
  await attempt('webpack, for Node', async () => {
    await webpackFor('node.js', {
      target: 'node20',
      output: { path: join(home, 'webpack'), filename: 'app.cjs' },
    })
    return run('webpack/app.cjs', /^200 tea, from the paid API settled/)
  })
  await attempt('webpack, for a page: SQLite is left out', async () => {
    const path = join(home, 'page')
    await webpackFor('worker.js', { target: 'web', output: { path, filename: 'page.js' } })
    return withoutSqlite(path)
  })
  for (const [date, ...flags] of WORKERS)
    await attempt(`workerd of ${date}, ${flags[0] ?? 'no flags'}`, async () => {
      await esbuildFor('worker', { conditions: ['workerd', 'worker', 'browser'] })
      return serveWorker(date, flags)
    })
} finally {
  for (const child of children) child.kill('SIGKILL')
  await world.stop()
  rmSync(home, { recursive: true, force: true })
}
process.exitCode = failed === 0 ? 0 : 1

async function attempt(name: string, work: () => Promise<string | undefined>): Promise<void> {
  const start = performance.now()
  const wrong = await work().catch((error: unknown) => String(error instanceof Error ? error.stack : error))
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  if (wrong !== undefined) failed++
  console.log(
    `${wrong === undefined ? 'ok    ' : 'FAILED'}  ${name}  ${seconds} s${wrong === undefined ? '' : `\n${wrong}`}`,
  )
}

/** A project with the built package and the peers that its wallet and its ledger need. */
function installPurser(): void {
  const modules = join(home, 'node_modules')
  mkdirSync(join(modules, 'purser'), { recursive: true })
  mkdirSync(join(modules, '@photostructure'))
  cpSync(join(ROOT, 'dist'), join(modules, 'purser/dist'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(modules, 'purser/package.json'))
  for (const name of ['viem', 'yaml', '@photostructure/sqlite'])
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  cpSync(join(TOOLS, 'apps'), join(home, 'apps'), { recursive: true })
}

async function esbuildFor(
  app: string,
  options: { readonly platform?: 'node'; readonly external?: string[]; readonly conditions?: string[] },
): Promise<void> {
  await build({
    entryPoints: [join(home, `apps/${app}.js`)],
    outfile: join(home, `${app}.mjs`),
    absWorkingDir: home,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'error',
    ...options,
  })
}

interface Stats {
  hasErrors(): boolean
  hasWarnings(): boolean
  toString(options: { readonly all: boolean; readonly errors: boolean; readonly warnings: boolean }): string
}

/** Warnings are failures: "the request of a dependency is an expression" is one. */
async function webpackFor(app: string, more: object): Promise<void> {
  const webpack: (options: object, done: (error: unknown, stats: Stats) => void) => void = createRequire(
    join(TOOLS, 'package.json'),
  )('webpack')
  const options = {
    mode: 'production',
    entry: join(home, 'apps', app),
    context: home,
    performance: false,
    optimization: { minimize: false },
    ...more,
  }
  const stats = await new Promise<Stats>((resolve, reject) =>
    webpack(options, (error, found) => (error ? reject(error) : resolve(found))),
  )
  if (stats.hasErrors() || stats.hasWarnings())
    throw new TypeError(stats.toString({ all: false, errors: true, warnings: true }).slice(0, 4000))
}

function withoutSqlite(folder: string): string | undefined {
  const found = readdirSync(folder).filter((file) =>
    readFileSync(join(folder, file), 'utf8').includes('PRAGMA'),
  )
  return found.length === 0 ? undefined : `SQLite is in ${found.join(', ')}`
}

async function run(file: string, expected: RegExp): Promise<string | undefined> {
  const { code, printed } = await ended(
    spawn(process.execPath, [file], {
      cwd: home,
      env: { ...process.env, ...env, XDG_STATE_HOME: join(home, `state-${file.replace('/', '-')}`) },
    }),
  )
  return code === 0 && expected.test(printed) ? undefined : `exit code ${code}\n${printed}`
}

function ended(child: ChildProcess): Promise<{ readonly code: number | null; readonly printed: string }> {
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, printed })))
}

async function serveWorker(date: string, flags: readonly string[]): Promise<string | undefined> {
  const port = await freePort()
  const text = (value: string) => JSON.stringify(value)
  writeFileSync(
    join(home, 'workerd.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
      compatibilityDate = ${text(date)},
      compatibilityFlags = [${flags.map(text).join(', ')}],
      bindings = [${Object.entries(env)
        .map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`)
        .join(', ')}],
      globalOutbound = "internet",
    )),
    (name = "internet", network = (allow = ["private", "public", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`,
  )
  const child = spawn(
    join(TOOLS, 'node_modules/@cloudflare/workerd-linux-64/bin/workerd'),
    ['serve', 'workerd.capnp'],
    {
      cwd: home,
    },
  )
  children.push(child)
  const end = ended(child)
  const reply = await Promise.race([
    answering(`http://127.0.0.1:${port}/`),
    end.then(({ printed }) => Promise.reject(new TypeError(printed))),
  ])
  const got: unknown = await reply.json()
  child.kill('SIGKILL')
  const { unnamed, sqlite, ...rest } = Object(got)
  const paid = JSON.stringify(rest) === JSON.stringify(PAID)
  const told = /memoryLedger\(\)/.test(unnamed) && /memoryLedger\(\)/.test(sqlite)
  return paid && told ? undefined : JSON.stringify(got, null, 1).replaceAll('\\n', '\n')
}

/** Asks until the server listens. */
async function answering(url: string): Promise<Response> {
  for (let tries = 0; ; tries++) {
    try {
      return await fetch(url)
    } catch (error) {
      if (tries > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
