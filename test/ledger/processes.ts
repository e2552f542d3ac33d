import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runtime } from '../runtime.js'

/** How a TypeScript file whose imports say `.js` is started. */
const ARGS = { node: ['--import', 'tsx'], bun: [], deno: ['run', '-A', '--sloppy-imports'] }

/** Starts a script of this folder in a process of its own. */
export function start(script: string, args: readonly string[], user?: number): ChildProcess {
  const file = fileURLToPath(new URL(script, import.meta.url))
  return spawn(process.execPath, [...ARGS[runtime()], file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  })
}

/** What it printed, once it has ended; with the code it ended with. */
export function ended(child: ChildProcess): Promise<{ readonly code: number | null; readonly out: string }> {
  return new Promise((resolve, reject) => {
    let out = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out }))
  })
}

/** Waits until it has printed that many lines. */
export function printed(child: ChildProcess, lines: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString().split('\n').length - 1
      if (seen >= lines) resolve()
    })
    child.on('close', () => reject(new TypeError('The process ended early')))
  })
}
