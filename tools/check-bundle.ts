// What a user downloads and loads: sizes per entry, what the core pulls in, whose code is bundled, import time.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Message, type Metafile } from 'esbuild'
import { bundledPackages } from './check/bundled.js'
import { distName, ENTRIES, ROOT } from './check/entries.js'
import { report, type Violation } from './check/report.js'

/** The most that a core without its lazy parts may weigh, minified and gzipped. */
const MOST_GZIP = 40 * 1024
/** Entries that run in browsers: no builtin of Node may be imported when they load. */
const BROWSER = [
  'purser',
  'purser/ledger',
  'purser/ledger/memory',
  'purser/ledger/store',
  'purser/policy',
  'purser/protocol',
  'purser/testing',
  'purser/wallet',
  'purser/wallet/stripe',
  'purser/wallet/tempo',
]
/** Packages that stay outside, and come only with the entry that is about them. */
const OUTSIDE = [
  'viem',
  'stripe',
  'light-bolt11-decoder',
  '@simplewebauthn/server',
  'undici',
  '@opentelemetry/api',
  '@photostructure/sqlite',
  'msw',
  'vitest',
]

const dist = join(ROOT, 'dist')

interface Bundle {
  readonly entry: string
  /** Of what is loaded with the entry: itself and all that it imports statically. */
  readonly gzip: number
  readonly outside: readonly string[]
}

async function bundle(entry: string): Promise<Bundle> {
  const result = await build({
    entryPoints: [distFile(entry)],
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import', 'browser'],
    external: ['node:*', ...OUTSIDE],
    outdir: 'out',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const loaded = staticGraph(result.metafile, entry)
  const bytes = result.outputFiles
    .filter(({ path }) => [...loaded].some((name) => path.endsWith(`/${name}`)))
    .map(({ contents }) => gzipSync(contents, { level: 9 }).length)
  const outside = [...loaded].flatMap((name) =>
    (result.metafile.outputs[name]?.imports ?? [])
      .filter((one) => one.external && one.kind === 'import-statement')
      .map(({ path }) => path),
  )
  return { entry, gzip: bytes.reduce((sum, size) => sum + size, 0), outside: [...new Set(outside)] }
}

/** Bundlers follow lazy imports too: a `node:` name behind one breaks the build of a page, though nothing calls it. */
async function checkPage(entry: string): Promise<Violation[]> {
  const { errors } = await build({
    entryPoints: [distFile(entry)],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    external: [...OUTSIDE],
    write: false,
    logLevel: 'silent',
  }).catch((error: { readonly errors: readonly Message[] }) => error)
  return errors.map(({ text }) => ({
    rule: 'page',
    file: entry,
    message: `cannot be bundled for a page: ${text}`,
  }))
}

/** The entry's output and every chunk it reaches without a dynamic import. */
function staticGraph({ outputs }: Metafile, entry: string): Set<string> {
  const loaded = new Set<string>()
  const visit = (name: string): void => {
    if (loaded.has(name)) return
    loaded.add(name)
    for (const { path, kind, external } of outputs[name]?.imports ?? [])
      if (kind === 'import-statement' && !external) visit(path)
  }
  for (const [name, { entryPoint }] of Object.entries(outputs))
    if (entryPoint !== undefined && resolve(entryPoint) === distFile(entry)) visit(name)
  return loaded
}

function distFile(entry: string): string {
  return join(dist, `${distName(entry)}.js`)
}

function judge({ entry, gzip, outside }: Bundle): Violation[] {
  const add = (message: string): Violation => ({ rule: 'bundle', file: entry, message })
  const builtins = BROWSER.includes(entry) ? outside.filter((name) => name.startsWith('node:')) : []
  const packages = entry === 'purser' ? outside.filter((name) => !name.startsWith('node:')) : []
  return [
    ...(entry === 'purser' && gzip > MOST_GZIP
      ? [add(`weighs ${gzip} B gzipped; at most ${MOST_GZIP}`)]
      : []),
    ...builtins.map((name) => add(`imports ${name} when it loads; browsers have none`)),
    ...packages.map((name) => add(`imports ${name} when it loads`)),
  ]
}

/** NOTICE.md must name every package whose code is in `dist`. */
function checkNotices(): Violation[] {
  const notice = readFileSync(join(ROOT, 'NOTICE.md'), 'utf8')
  return bundledPackages()
    .filter(({ name }) => !notice.includes(name))
    .map(({ name }) => ({
      rule: 'notice',
      file: 'NOTICE.md',
      message: `${name} is bundled, and not named here`,
    }))
}

/** `import { z } from 'zod'` keeps all translations of zod, and each entry that reads something with zod would load them. */
function checkTranslations(): Violation[] {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .filter((name) => /zod\/v4\/locales\/(?!en\.js)/.test(readFileSync(join(dist, name), 'utf8')))
    .map((name) => ({
      rule: 'zod',
      file: `dist/${name}`,
      message: "contains the translations of zod: write `import * as z from 'zod'`",
    }))
}

/** Types that a user gets may name only packages that a user has. */
function checkTypes(): Violation[] {
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  )
  const known = Object.keys({ ...dependencies, ...peerDependencies })
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.d.ts'))
    .flatMap((name) => {
      const text = readFileSync(join(dist, name), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
      return [...text.matchAll(/(?:from|import\()\s*['"]([^.'"][^'"]*)['"]/g)]
        .map((match) => match[1] ?? '')
        .filter(
          (from) =>
            !from.startsWith('node:') && !known.some((one) => from === one || from.startsWith(`${one}/`)),
        )
        .map(
          (from): Violation => ({
            rule: 'types',
            file: `dist/${name}`,
            message: `names ${from}, which users lack`,
          }),
        )
    })
}

/** Milliseconds to import an entry in a fresh process: the median of several. */
function importTime(entry: string): number {
  const code = `const t = performance.now(); await import(${JSON.stringify(pathToFileURL(distFile(entry)).href)}); console.log(performance.now() - t)`
  const times = Array.from({ length: 7 }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })),
  )
  return times.sort((a, b) => a - b)[3] ?? Number.NaN
}

if (!existsSync(dist)) {
  console.log('check:bundle: nothing to check, run `npm run build` first')
  process.exitCode = 1
} else {
  const bundles = await Promise.all(Object.keys(ENTRIES).map(bundle))
  for (const { entry, gzip, outside } of bundles)
    console.log(`${entry.padEnd(24)} ${(gzip / 1024).toFixed(1).padStart(6)} KiB  ${outside.join(' ')}`)
  console.log(`import of purser: ${importTime('purser').toFixed(1)} ms (median of 7 processes)`)
  const pages = await Promise.all(BROWSER.map(checkPage))
  process.exitCode = report('check:bundle', [
    ...bundles.flatMap(judge),
    ...pages.flat(),
    ...checkNotices(),
    ...checkTranslations(),
    ...checkTypes(),
  ])
}
