import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs programs as users do: `node --import purser/auto program.mjs`. */
export interface Programs {
  /** `purser/auto` as one file of JavaScript: Node 20 reads no TypeScript in threads. */
  readonly auto: string
  /** An empty folder for files of the test. */
  readonly folder: string
  run(env: Record<string, string>, script: string): Promise<Ran>
  remove(): void
}

/** Builds `purser/auto`. The file stands beside the packages of this repository, so that it can import them. */
export async function buildAuto(): Promise<{ readonly built: string; readonly auto: string }> {
  const repository = fileURLToPath(new URL('../..', import.meta.url))
  const cache = join(repository, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const built = mkdtempSync(join(cache, 'auto-'))
  const auto = join(built, 'auto.mjs')
  await build({
    entryPoints: [join(repository, 'src', 'entry', 'auto.ts')],
    outfile: auto,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  return { built, auto }
}

/** Programs that run with it: they stand beside it. */
export async function programs(): Promise<Programs> {
  const folder = mkdtempSync(join(tmpdir(), 'purser-programs-'))
  const { built, auto } = await buildAuto()
  let count = 0
  return {
    auto,
    folder,
    run(env, script) {
      const file = join(built, `program-${++count}.mjs`)
      writeFileSync(file, script)
      const child = spawn(process.execPath, ['--import', auto, file], {
        cwd: folder,
        env: {
          PATH: process.env['PATH'] ?? '',
          HOME: folder,
          PURSER_LEDGER: join(folder, `ledger-${count}.db`),
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const ran = { stdout: '', stderr: '' }
      child.stdout.on('data', (chunk: Buffer) => {
        ran.stdout += chunk.toString()
      })
      child.stderr.on('data', (chunk: Buffer) => {
        ran.stderr += chunk.toString()
      })
      return new Promise((resolve, reject) => {
        child.once('error', reject)
        child.once('close', (code) => resolve({ ...ran, code }))
      })
    },
    remove() {
      rmSync(folder, { recursive: true })
      rmSync(built, { recursive: true })
    },
  }
}

/** A shop that takes tokens of Stripe, by its own word: what it saw tells who paid how often. */
export interface TokenShop {
  readonly origin: string
  readonly requests: {
    readonly path: string
    readonly accepts: string
    readonly paid: boolean
    readonly body: string
  }[]
  close(): Promise<void>
}

const TERMS = {
  amount: '100',
  currency: 'usd',
  methodDetails: { networkId: 'profile_1', paymentMethodTypes: ['card'] },
}

/** Starts the shop on a free port of this machine. `/free` costs nothing; `/strange` asks for something that nobody sells. */
export async function tokenShop(): Promise<TokenShop> {
  const requests: { path: string; accepts: string; paid: boolean; body: string }[] = []
  let challenges = 0
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    const path = request.url ?? ''
    const paid = request.headers.authorization?.startsWith('Payment ') === true
    const body = Buffer.concat(chunks).toString()
    requests.push({ path, accepts: String(request.headers['accept-payment'] ?? ''), paid, body })
    if (paid || path.startsWith('/free')) {
      const receipt = {
        status: 'success',
        method: 'stripe',
        reference: 'pi_1',
        timestamp: new Date().toISOString(),
      }
      const text = Buffer.from(JSON.stringify(receipt)).toString('base64url')
      response.writeHead(200, paid ? { 'payment-receipt': text } : {})
      return response.end(`served ${request.method} ${body}`)
    }
    const terms = Buffer.from(JSON.stringify(TERMS)).toString('base64url')
    const method = path === '/strange' ? 'barter' : 'stripe'
    response.writeHead(402, {
      'www-authenticate': `Payment id="c${++challenges}", realm="shop", method="${method}", intent="charge", request="${terms}"`,
    })
    return response.end('pay first')
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
