import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../check/entries.js'
import { startWorld } from '../first-steps/world.js'

/** Where the bundlers are installed. */
export const TOOLS = join(ROOT, 'tools/bundlers')

/** What a program without files says after it paid for two calls. */
const PAID = { status: 200, text: 'tea, from the paid API', made: 200, states: ['settled', 'settled'] }

/** A folder with the built package and the programs, and a paid server on a local chain. */
export interface Project {
  readonly home: string
  /** What the programs are told: a key, a server and a node. */
  readonly env: Readonly<Record<'AGENT_KEY' | 'API' | 'RPC', string>>
  /** Starts a program. It ends with the project. */
  start(file: string, args?: readonly string[], options?: StartOptions): Started
  stop(): Promise<void>
}

export interface StartOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly printed: string }>
  /** What it has printed so far. */
  printed(): string
}

/** Makes the project. It has the peers that the wallet and the ledger need, and what the programs are built with. */
export async function startProject(): Promise<Project> {
  const home = mkdtempSync(join(tmpdir(), 'purser-bundlers-'))
  install(home)
  const world = await startWorld()
  const children: ChildProcess[] = []
  return {
    home,
    env: {
      AGENT_KEY: world.ownKey,
      API: `http://127.0.0.1:${world.hosts['api.example']}`,
      RPC: `http://127.0.0.1:${world.hosts['rpc.tempo.xyz']}`,
    },
    start(file, args = [], { cwd = home, env = process.env } = {}) {
      const child = spawn(file, args, { cwd, env })
      children.push(child)
      return started(child)
    },
    async stop() {
      for (const child of children) child.kill('SIGKILL')
      await world.stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function install(home: string): void {
  const modules = join(home, 'node_modules')
  mkdirSync(join(modules, 'purser'), { recursive: true })
  mkdirSync(join(modules, '@photostructure'))
  cpSync(join(ROOT, 'dist'), join(modules, 'purser/dist'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(modules, 'purser/package.json'))
  for (const name of ['viem', 'yaml', '@photostructure/sqlite'])
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  for (const name of ['next', 'react', 'react-dom'])
    symlinkSync(join(TOOLS, 'node_modules', name), join(modules, name))
  cpSync(join(TOOLS, 'apps'), join(home, 'apps'), { recursive: true })
}

function started(child: ChildProcess): Started {
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
  return {
    child,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, printed }))),
    printed: () => printed,
  }
}

/** `require` of the folder in which the bundlers are installed. */
export const requireTool = createRequire(join(TOOLS, 'package.json'))

/** What is wrong with the answer of a program without files; undefined if it paid, and asked for memory by name. */
export function wrongAnswer(got: unknown): string | undefined {
  const { unnamed, sqlite, ...rest } = Object(got)
  const paid = JSON.stringify(rest) === JSON.stringify(PAID)
  const told = /memoryLedger\(\)/.test(unnamed) && /memoryLedger\(\)/.test(sqlite)
  return paid && told ? undefined : JSON.stringify(got, null, 1).replaceAll('\\n', '\n')
}

/** Names the files with SQLite in them. */
export function withoutSqlite(folder: string): string | undefined {
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.[cm]?js$/.test(file) && readFileSync(join(folder, file), 'utf8').includes('PRAGMA'),
  )
  return found.length === 0 ? undefined : `SQLite is in ${found.join(', ')}`
}

/** Asks a server as soon as it listens. It is over if the program ends. */
export async function answering(url: string, { ended }: Started): Promise<Response> {
  const end = ended.then(({ printed }) => Promise.reject(new TypeError(printed)))
  return Promise.race([asked(url), end])
}

async function asked(url: string): Promise<Response> {
  for (let tries = 0; ; tries++) {
    try {
      return await fetch(url)
    } catch (error) {
      if (tries > 200) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
