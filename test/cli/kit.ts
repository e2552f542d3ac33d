import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { run } from '../../src/cli/program.js'
import type { Terminal } from '../../src/cli/terminal.js'
import { type Chain, CURRENCY_SETTINGS, NETWORK } from '../chain/chain.js'
import { expectFits } from './fits.js'

/** What a command printed, and its exit code. */
export interface Output {
  readonly code: number
  readonly bytes: Buffer
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Record<string, string | undefined>
  readonly stdin?: string
  /** Keys that a person types. Then stdin and stderr are terminals. */
  readonly keys?: readonly string[]
  /** Gets each chunk of stdout as it comes. */
  readonly onChunk?: (chunk: Buffer) => void
}

/** A home directory of its own, in which commands run in this process. */
export interface Home {
  readonly folder: string
  readonly config: string
  path(...parts: readonly string[]): string
  write(name: string, text: string, mode?: number): string
  run(args: readonly string[], options?: RunOptions): Promise<Output>
  remove(): void
}

export function makeHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), 'purser-home-'))
  const config = join(folder, '.config', 'purser')
  mkdirSync(config, { recursive: true })
  return {
    folder,
    config,
    path: (...parts) => join(folder, ...parts),
    write(name, text, mode = 0o600) {
      const path = join(config, name)
      writeFileSync(path, text, { mode })
      return path
    },
    run: (args, options = {}) => runIn(folder, args, options),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function runIn(home: string, args: readonly string[], options: RunOptions): Promise<Output> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  const collect = (to: Buffer[], tell?: (chunk: Buffer) => void) =>
    new Writable({
      write(chunk, _encoding, done) {
        to.push(Buffer.from(chunk))
        tell?.(Buffer.from(chunk))
        done()
      },
    })
  const { keys } = options
  const typed = new PassThrough()
  let asked = false
  const stdin =
    keys === undefined
      ? Readable.from([options.stdin ?? ''])
      : Object.assign(typed, { isTTY: true, setRawMode: () => undefined })
  const stderr = collect(err, (chunk) => {
    if (keys === undefined || asked || !chunk.toString().includes('Pay this?')) return
    asked = true
    setTimeout(() => typed.write(keys.join('')), 50)
  })
  const terminal: Terminal = {
    stdin,
    stdout: collect(out, options.onChunk),
    stderr: keys === undefined ? stderr : Object.assign(stderr, { isTTY: true, columns: 80 }),
    // The default ledger is below the state folder, and the home of this machine must not get it.
    env: {
      HOME: home,
      XDG_STATE_HOME: join(home, '.local', 'state'),
      PATH: process.env['PATH'],
      NO_COLOR: '1',
      ...options.env,
    },
  }
  const code = await run(args, terminal)
  const bytes = Buffer.concat(out)
  const output = { code, bytes, stdout: bytes.toString(), stderr: Buffer.concat(err).toString() }
  if (args.includes('--json')) expectFits(args, output)
  return output
}

/** The text of a settings file for an account on a local chain. */
export function localConfig(chain: Pick<Chain, 'url' | 'id'>, more = ''): string {
  return [
    'policy: policy.yaml',
    'ledger: ledger.db',
    `currencies: ${JSON.stringify(CURRENCY_SETTINGS)}`,
    'wallets:',
    `  tempo: { key: agent.key, rpc: { "${chain.id}": "${chain.url}" } }`,
    more,
    '',
  ].join('\n')
}

/** A policy with ten dollars a day for these origins. */
export function localPolicy(origins: readonly string[], more = ''): string {
  return [
    'perPayment: 0.50',
    'budgets:',
    '  - { limit: 10, per: day }',
    `networks: ["${NETWORK}"]`,
    'vendors:',
    ...origins.map((origin) => `  - { origin: "${origin}", perPayment: 0.30 }`),
    more,
    '',
  ].join('\n')
}
