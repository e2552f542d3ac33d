/**
 * Builds small programs with the bundlers of the documentation and runs them: webpack and esbuild for Node, an app of Next.js,
 * workerd with and without `nodejs_compat`, webpack for a page, and Metro as React Native has it. Each pays a real server on
 * a local chain. Needs `npm run build` and `npm run bundlers:install`.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { buildNext, serveNext } from './bundlers/next.js'
import {
  answering,
  freePort,
  requireTool,
  startProject,
  TOOLS,
  withoutSqlite,
  wrongAnswer,
} from './bundlers/project.js'
import { bundleWithMetro, runWithoutNode } from './bundlers/react-native.js'

/** Compatibility dates and flags of Workers. Before November 2024 `cache` of a request was not implemented. */
const WORKERS: readonly (readonly [date: string, ...flags: readonly string[]])[] = [
  ['2024-09-23'],
  ['2024-09-23', 'nodejs_compat'],
  ['2026-11-01'],
  ['2026-11-01', 'nodejs_compat'],
]
const project = await startProject()
const { home, env } = project
let failed = 0

try {
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
  await attempt('Next.js builds; the Edge route has no SQLite', () => buildNext(project))
  await attempt('Next.js serves: a Node route and an Edge route', () => serveNext(project))
  await attempt('Metro, as React Native has it: no SQLite', () => bundleWithMetro(project))
  await attempt('the bundle of Metro, in a context without Node', () => runWithoutNode(project))
} finally {
  await project.stop()
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
  const webpack: (options: object, done: (error: unknown, stats: Stats) => void) => void =
    requireTool('webpack')
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

async function run(file: string, expected: RegExp): Promise<string | undefined> {
  const { code, printed } = await project.start(process.execPath, [file], {
    env: { ...process.env, ...env, XDG_STATE_HOME: join(home, `state-${file.replace('/', '-')}`) },
  }).ended
  return code === 0 && expected.test(printed) ? undefined : `exit code ${code}\n${printed}`
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
  const server = project.start(join(TOOLS, 'node_modules/@cloudflare/workerd-linux-64/bin/workerd'), [
    'serve',
    'workerd.capnp',
  ])
  const reply = await answering(`http://127.0.0.1:${port}/`, server)
  const got: unknown = await reply.json()
  server.child.kill('SIGKILL')
  return wrongAnswer(got)
}
