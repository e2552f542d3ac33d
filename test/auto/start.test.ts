import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildAuto } from './kit.js'

/** What is looked for everywhere: a key that no test network knows. */
const KEY = 'a1b2'.repeat(16)
const repository = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'purser-auto-'))
const { built, auto } = await buildAuto()
const policy = join(folder, 'policy.json')
let shop: Server
let shopUrl = ''

beforeAll(async () => {
  // A server that asks for money in a way that a Tempo wallet reads.
  const request = Buffer.from(
    JSON.stringify({
      amount: '10000',
      currency: '0x20c0000000000000000000000000000000000001',
      recipient: `0x${'11'.repeat(20)}`,
      methodDetails: { chainId: 42431 },
    }),
  ).toString('base64url')
  shop = createServer((_, response) => {
    response.writeHead(402, {
      'www-authenticate': `Payment id="c1", realm="shop", method="tempo", intent="charge", request="${request}"`,
    })
    response.end()
  })
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve))
  const address = shop.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  shopUrl = `http://127.0.0.1:${address.port}`
  writeFileSync(
    policy,
    JSON.stringify({
      perPayment: '1',
      budgets: [{ limit: '1', per: 'day' }],
      networks: ['eip155:42431'],
      vendors: [{ origin: shopUrl }],
    }),
  )
})

afterAll(() => {
  shop.close()
  rmSync(folder, { recursive: true })
  rmSync(built, { recursive: true })
})

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

let ledgers = 0

/** Starts a program as users do. `input` stands behind descriptor 3. */
function start(env: Record<string, string>, script: string, input?: string): Promise<Ran> {
  const file = join(folder, `agent-${++ledgers}.mjs`)
  writeFileSync(file, script)
  const child = spawn(process.execPath, ['--import', auto, file], {
    cwd: repository,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      PURSER_POLICY: policy,
      PURSER_LEDGER: join(folder, `${ledgers}.db`),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const [, stdout, stderr, descriptor] = child.stdio
  const ran = { stdout: '', stderr: '' }
  stdout?.on('data', (chunk: Buffer) => {
    ran.stdout += chunk.toString()
  })
  stderr?.on('data', (chunk: Buffer) => {
    ran.stderr += chunk.toString()
  })
  if (descriptor && 'end' in descriptor) descriptor.end(input ?? '')
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...ran, code }))
  })
}

/** Prints every place where a file tool, a child or a thread would find the key. */
const LOOK = `
  import { readFileSync } from 'node:fs'
  import { execFileSync } from 'node:child_process'
  import { Worker } from 'node:worker_threads'
  const key = process.argv[2] ?? ${JSON.stringify(KEY.slice(0, 32))} + ${JSON.stringify(KEY.slice(32))}
  const found = {
    env: JSON.stringify(process.env).includes(key),
    proc: readFileSync('/proc/self/environ', 'latin1').includes(key),
    child: execFileSync('/usr/bin/env', { encoding: 'utf8' }).includes(key),
    childOfProc: execFileSync('cat', ['/proc/self/environ'], { encoding: 'latin1' }).includes(key),
    thread: await new Promise((resolve, reject) => {
      const code = 'require("node:worker_threads").parentPort.postMessage(JSON.stringify(process.env))'
      const worker = new Worker(code, { eval: true })
      worker.once('message', (text) => resolve(text.includes(key)))
      worker.once('error', reject)
    }),
    taken: process.env.PURSER_KEY_TAKEN_BY === 'tempo=' + process.pid,
    others: Object.keys(process.env).filter((name) => name.startsWith('PURSER_TEMPO_KEY')),
  }
  console.log(JSON.stringify(found))
`
const NOWHERE = { env: false, proc: false, child: false, childOfProc: false, thread: false }

describe('the key of a program that was started with purser/auto', () => {
  test('by value is erased from every environment, and from /proc', async () => {
    const { stdout, stderr, code } = await start({ PURSER_TEMPO_KEY: KEY }, LOOK)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({ ...NOWHERE, taken: true, others: [] })
  })

  test('by value causes a remark if the environment of a parent process shows it too', async () => {
    const inner = join(folder, 'inner.mjs')
    writeFileSync(inner, LOOK)
    const run = (log: string) =>
      start({ PURSER_TEMPO_KEY_FILE: keyFile(), PURSER_LOG: 'off' }, launcher(inner, log))
    const { stderr, stdout } = await run('on')
    expect(stderr).toMatch(
      /^purser\/auto: PURSER_TEMPO_KEY can still be read by other programs .* of process \d+/,
    )
    expect(stderr).not.toContain(KEY)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(JSON.parse(stdout)).toMatchObject({ proc: false, taken: true })
    expect((await run('off')).stderr).toBe('')
  })

  test('through a descriptor was never in an environment', async () => {
    const { stdout, stderr } = await start({ PURSER_TEMPO_KEY_FD: '3' }, LOOK, `${KEY}\n`)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({ ...NOWHERE, taken: true, others: [] })
  })

  test('in a file can be read again by a child, and a file that others can read causes a remark', async () => {
    const file = keyFile()
    const { stdout, stderr } = await start({ PURSER_TEMPO_KEY_FILE: file }, LOOK)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({ ...NOWHERE, taken: false, others: ['PURSER_TEMPO_KEY_FILE'] })
    chmodSync(file, 0o644)
    const loud = await start({ PURSER_TEMPO_KEY_FILE: file }, '')
    expect(loud.stderr).toMatch(/^purser\/auto: the file that PURSER_TEMPO_KEY_FILE names has mode 0644/)
    expect((await start({ PURSER_TEMPO_KEY_FILE: file, PURSER_LOG: 'off' }, '')).stderr).toBe('')
  })
})

describe('child processes and threads of a program with purser/auto', () => {
  const CHILD = `
    const reply = await fetch(${JSON.stringify('SHOP')})
    console.log(JSON.stringify({ status: reply.status, ...(await reply.json()) }))
  `

  test('a child has no key that its parent keeps, and explains it if a call would cost something', async () => {
    const inner = join(folder, 'child.mjs')
    writeFileSync(inner, CHILD.replace('SHOP', shopUrl))
    const { code, stdout, stderr } = await start(
      { PURSER_TEMPO_KEY_FD: '3' },
      `import { spawnSync } from 'node:child_process'
       const args = ['--import', ${JSON.stringify(auto)}, ${JSON.stringify(inner)}]
       const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
       process.stdout.write(stdout)
       process.stderr.write(stderr)
       process.exitCode = status`,
      KEY,
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ status: 402, code: 'wallet_failed', funds: 'untouched' })
    expect(stdout).toMatch(/Process \d+ has the key and keeps it/)
    expect(stderr).toMatch(/^purser\/auto: Process \d+ has the key and keeps it, so this process cannot pay/)
  })

  test('a thread has no key either, and does not crash', async () => {
    const inner = join(folder, 'thread.mjs')
    writeFileSync(inner, CHILD.replace('SHOP', shopUrl))
    const { code, stdout, stderr } = await start(
      { PURSER_TEMPO_KEY: KEY },
      `import { Worker } from 'node:worker_threads'
       const worker = new Worker(new URL(${JSON.stringify(`file://${inner}`)}))
       await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))`,
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ status: 402, code: 'wallet_failed' })
    expect(stderr).toContain('has the key and keeps it')
  })

  test('a child reads a key file itself, and counts as the same buyer', async () => {
    const { code, stdout, stderr } = await start(
      { PURSER_TEMPO_KEY_FILE: keyFile() },
      `import { spawnSync } from 'node:child_process'
       const script = "const { purser } = await import(" + ${JSON.stringify(JSON.stringify(auto))} + "); console.log((await purser.budgets()).length); await purser.close()"
       const args = ['--input-type=module', '-e', script]
       const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
       process.stdout.write(stdout)
       process.stderr.write(stderr)
       process.exitCode = status`,
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.trim()).toBe('1')
  })
})

let keys = 0
function keyFile(): string {
  const file = join(folder, `key-${++keys}`)
  writeFileSync(file, KEY, { mode: 0o600 })
  return file
}

/** A program that hands the key on by value, and has it in its own environment: a shell, `npm start`. */
function launcher(inner: string, log: string): string {
  const args = ['--import', auto, inner]
  return `
    import { spawnSync } from 'node:child_process'
    const env = { ...process.env, PURSER_TEMPO_KEY: ${JSON.stringify(KEY)}, PURSER_LOG: ${JSON.stringify(log)} }
    delete env.PURSER_TEMPO_KEY_FILE
    const command = process.execPath + ${JSON.stringify(args.map((arg) => ` '${arg}'`).join(''))} + '; exit $?'
    const { stdout, stderr, status } = spawnSync('/bin/sh', ['-c', command], { env, encoding: 'utf8' })
    process.stdout.write(stdout)
    process.stderr.write(stderr)
    process.exitCode = status
  `
}
