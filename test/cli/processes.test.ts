import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuiltCommand, buildCommand } from '../serve/command.js'
import { CliWorld, commit, fillWithEverything, hold } from './world.js'

let command: BuiltCommand
const world = new CliWorld()
beforeAll(async () => {
  command = await buildCommand()
  await fillWithEverything(world)
})
afterAll(() => {
  command.remove()
  world.remove()
})

const env = () => ({ ...world.env, PATH: process.env['PATH'] ?? '', NO_COLOR: '1' })

interface Started {
  readonly child: ChildProcess
  readonly out: () => string
  readonly ended: Promise<number | null>
}

function start(args: readonly string[]): Started {
  return startProgram(process.execPath, [command.file, ...args])
}

function startProgram(file: string, args: readonly string[]): Started {
  const child = spawn(file, args, { env: env() })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  return { child, out: () => out, ended: once(child, 'close').then(([code]) => code) }
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !condition(); tries++) await new Promise((next) => setTimeout(next, 50))
  expect(condition()).toBe(true)
}

describe('several processes', () => {
  it('look at a ledger while another one pays', async () => {
    await world.write(async (ledger, policy) => {
      const readers = [
        start(['budgets', '--json']),
        start(['export', '--json']),
        start(['ledger', 'verify', '--json']),
      ]
      for (let n = 0; n < 20; n++) {
        const buying = { price: 1, agent: 'buyer', vendor: `https://shop-${n}.example` }
        await ledger.hold(await hold(ledger, policy, `more-${n}`, buying))
        await ledger.advance(`more-${n}`, commit(buying))
        await ledger.advance(`more-${n}`, { to: 'settled', proof: 'receipt', delivered: true })
      }
      expect(await Promise.all(readers.map(({ ended }) => ended))).toEqual([0, 0, 0])
      for (const { out } of readers)
        for (const line of out().trim().split('\n')) expect(() => void JSON.parse(line)).not.toThrow()
    })
  }, 60_000)

  it('a reader that ends first ends the list', () => {
    const code = `"${process.execPath}" "${command.file}" payments --json | head -n 1 | wc -l; echo "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = spawnSync('bash', ['-c', code], { env: env(), encoding: 'utf8' })
    expect([stdout.trim().split(/\s+/), stderr]).toEqual([['1', '0'], ''])
  }, 30_000)
})

describe('purser watch', () => {
  it('prints open payments and every change as JSON, and ends with Ctrl-C', async () => {
    const watching = start(['watch'])
    await until(() => watching.out().includes('"doubt-dddddd"'))
    const lines = () =>
      watching
        .out()
        .trim()
        .split('\n')
        .map((line) => Object(JSON.parse(line)))
        .filter(({ id }) => id === 'watched')
        .map(({ state }) => state)
    await world.write(async (ledger, policy) => {
      const buying = { price: 1, agent: 'buyer', vendor: 'https://watched.example' }
      await ledger.hold(await hold(ledger, policy, 'watched', buying))
      await until(() => lines().length === 1)
      await ledger.advance('watched', commit(buying))
      await ledger.advance('watched', { to: 'settled', proof: 'receipt', delivered: true })
      await until(() => lines().length === 2)
    })
    watching.child.kill('SIGINT')
    expect(await watching.ended).toBe(0)
    expect(lines()).toEqual(['progress', 'settled'])
  }, 60_000)

  it.skipIf(spawnSync('script', ['--version']).status !== 0)(
    'draws on the second screen of a terminal, and leaves the first one with the last picture',
    async () => {
      const code = `stty cols 80 rows 30; "${process.execPath}" "${command.file}" watch`
      const watching = startProgram('script', ['-qec', code, '/dev/null'])
      await until(() => watching.out().includes('all agents'))
      watching.child.stdin?.write('\u0003')
      await watching.ended
      const [, after = ''] = watching.out().split('\u001b[?1049l')
      expect(watching.out()).toContain('\u001b[?1049h')
      expect(watching.out()).toContain('\u001b[?25h')
      expect(after).toContain('all agents')
      expect(after).toContain('in doubt')
    },
    60_000,
  )

  it('needs a terminal for text', async () => {
    expect((await world.run(['watch', '--text'])).code).toBe(2)
  })
})

describe('purser --help', () => {
  it('loads no ledger, no wallet and no SDK: only the arguments of the commands', async () => {
    const { metafile } = await build({
      entryPoints: [fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))],
      outdir: 'out',
      bundle: true,
      splitting: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
    })
    const entry = Object.entries(metafile.outputs).find(([, { entryPoint }]) =>
      entryPoint?.endsWith('cli/main.ts'),
    )?.[0]
    const loaded = new Set<string>()
    const packages = new Set<string>()
    const visit = (path: string): void => {
      if (loaded.has(path)) return
      loaded.add(path)
      for (const { path: next, kind, external } of metafile.outputs[path]?.imports ?? []) {
        if (kind !== 'import-statement') continue
        if (external === true) packages.add(next)
        else visit(next)
      }
    }
    visit(entry ?? '')
    const sources = [...loaded].flatMap((path) => Object.keys(metafile.outputs[path]?.inputs ?? {}))
    expect(sources).toContain('src/cli/program.ts')
    expect(sources.filter((path) => /^src\/(?!cli\/|errors\/|util\/|money\/)/.test(path))).toEqual([])
    expect(sources.filter((path) => path.startsWith('src/cli/actions/'))).toEqual([])
    expect([...packages].filter((name) => !name.startsWith('node:'))).toEqual(['commander'])
  })
})
