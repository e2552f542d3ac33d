import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { alphaUSD, type Chain, startChain } from '../chain/chain.js'
import { type PaidApi, startPaidApi } from '../chain/server.js'
import { startFront } from '../live/front.js'
import { type BuiltCommand, buildCommand } from '../serve/command.js'
import { type Home, localConfig, localPolicy, makeHome } from './kit.js'

let chain: Chain
let api: PaidApi
let free: { readonly origin: string; close(): Promise<void> }
let account: Awaited<ReturnType<Chain['account']>>
let home: Home
const DOLLAR = 1_000_000n

beforeAll(async () => {
  chain = await startChain()
  api = await startPaidApi({ chain })
  free = await freeServer()
  account = await chain.account(20n * DOLLAR)
})
afterAll(async () => {
  await free?.close()
  await api?.close()
  await chain?.stop()
})
beforeEach(() => {
  home?.remove()
  home = makeHome()
  home.write('agent.key', `${account.key}\n`)
  home.write('config.yaml', localConfig(chain))
  home.write('policy.yaml', localPolicy([api.origin]))
  api.forget()
})
afterAll(() => home?.remove())

let command: BuiltCommand
beforeAll(async () => {
  command = await buildCommand()
})
afterAll(() => command?.remove())

/** Runs the command in a process of its own, whose end ends its calls. */
async function runChild(...args: readonly string[]) {
  const child = spawn(process.execPath, [command.file, ...args], {
    env: { HOME: home.folder, PATH: process.env['PATH'] ?? '' },
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString()
  })
  child.stdin.end()
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { ...output, code }
}

const BINARY = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 31) % 256))

/** A server that charges nothing. */
async function freeServer() {
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname
    if (path === '/binary') return void response.writeHead(200, { 'x-kind': 'bytes' }).end(BINARY)
    if (path === '/gzip')
      return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('unpacked'))
    if (path === '/moved') return void response.writeHead(302, { location: '/binary' }).end('moved')
    if (path === '/missing') return void response.writeHead(404).end('no such thing')
    if (path === '/slow') return undefined
    if (path === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: one\n\n')
      setTimeout(() => response.end('data: two\n\n'), 300)
      return undefined
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      response.end(JSON.stringify({ method: request.method, headers: request.headers, body }))
    })
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const fetchJson = async (...args: readonly string[]) => {
  const output = await home.run(['fetch', '--json', ...args])
  return { ...output, facts: JSON.parse(output.stderr.trim().split('\n').at(-1) ?? '') }
}

describe('purser fetch, like curl', () => {
  it('writes the bytes of a body to stdout, and nothing else', async () => {
    const { code, bytes, stderr } = await home.run(['fetch', `${free.origin}/binary`])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      createHash('sha256').update(BINARY).digest('hex'),
    )
  })

  it('sends the method, headers and body', async () => {
    home.write('headers', 'Authorization: Bearer of-a-file\n')
    home.write('body', 'a=1\n&b=2\n')
    const { stdout } = await home.run([
      'fetch',
      '-X',
      'put',
      '-H',
      'X-One: 1',
      '-H',
      `@${home.config}/headers`,
      '-d',
      `@${home.config}/body`,
      `${free.origin}/echo`,
    ])
    expect(JSON.parse(stdout)).toMatchObject({
      method: 'PUT',
      body: 'a=1&b=2',
      headers: {
        'x-one': '1',
        authorization: 'Bearer of-a-file',
        'content-type': 'application/x-www-form-urlencoded',
      },
    })
  })

  it('reads a body from stdin', async () => {
    const { stdout } = await home.run(['fetch', '-d', '@-', `${free.origin}/echo`], { stdin: 'hello' })
    expect(JSON.parse(stdout)).toMatchObject({ method: 'POST', body: 'hello' })
  })

  it('prints the head with -i, only the head with -I, and both heads to stderr with -v', async () => {
    const included = await home.run(['fetch', '-i', `${free.origin}/missing`])
    expect(included.stdout).toMatch(/^HTTP 404 Not Found\n[\s\S]*\n\nno such thing$/)
    const head = await home.run(['fetch', '-I', `${free.origin}/binary`])
    expect(head.stdout).toMatch(/^HTTP 200 OK\n/)
    expect(head.stdout).toContain('x-kind: bytes')
    const verbose = await home.run([
      'fetch',
      '-v',
      '-H',
      'Authorization: Bearer of-mine',
      `${free.origin}/missing`,
    ])
    expect(verbose.stderr).toContain('> GET /missing')
    expect(verbose.stderr).toContain('< HTTP 404')
    expect(verbose.stderr).not.toContain('of-mine')
  })

  it('follows redirects only with -L', async () => {
    expect((await home.run(['fetch', `${free.origin}/moved`])).stdout).toBe('moved')
    expect((await home.run(['fetch', '-L', `${free.origin}/moved`])).bytes).toEqual(BINARY)
  })

  it('writes to a file with -o, and unpacks compressed bodies', async () => {
    const file = home.path('body.txt')
    const { code, stdout } = await home.run(['fetch', '--compressed', '-o', file, `${free.origin}/gzip`])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(readFileSync(file, 'utf8')).toBe('unpacked')
  })

  it('shows server-sent events as they come', async () => {
    const at: { readonly text: string; readonly ms: number }[] = []
    const onChunk = (chunk: Buffer) => at.push({ text: chunk.toString(), ms: Date.now() })
    await home.run(['fetch', `${free.origin}/events`], { onChunk })
    expect(at.map(({ text }) => text)).toEqual(['data: one\n\n', 'data: two\n\n'])
    expect((at[1]?.ms ?? 0) - (at[0]?.ms ?? 0)).toBeGreaterThan(150)
  })
})

describe('the exit codes of purser fetch', () => {
  it('0: pays, delivers, and says on stderr what was paid and what is left', async () => {
    const { code, stdout, stderr } = await home.run(['fetch', api.url('/paid')])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ route: '/paid' })
    const host = new URL(api.origin).host
    expect(stderr).toMatch(
      new RegExp(`^paid 0\\.01 USD to ${host} \\(tempo/charge\\), at least 9\\.9\\d+ USD left today\\n$`),
    )
    expect(stderr).not.toContain(account.key.slice(2))
  })

  it('0: says the same as JSON, and nothing with -s', async () => {
    const { facts } = await fetchJson(api.url('/paid'))
    expect(facts).toMatchObject({
      outcome: 'delivered',
      funds: 'settled',
      status: 200,
      payment: { price: { value: '0.01', currency: 'USD' }, method: 'tempo/charge', delivered: true },
      left: { window: 'day@UTC' },
    })
    expect(await home.run(['fetch', '-s', api.url('/paid')])).toMatchObject({ code: 0, stderr: '' })
  })

  it('1: the account is empty', async () => {
    const empty = await chain.account()
    home.write('agent.key', `${empty.key}\n`)
    const { code, stdout, stderr } = await home.run(['fetch', api.url('/paid')])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('Nothing was paid.')
    expect(stderr.trim().split('\n').at(-1)).toBe('purser doctor')
  })

  it('2: an argument or a policy that cannot be read', async () => {
    for (const args of [
      ['--max', 'much'],
      ['--task', 'a/b'],
      ['--send'],
      ['-X', 'G E T'],
      ['-H', 'no colon'],
      ['-d', '@/nowhere/at/all'],
    ])
      expect(await home.run(['fetch', ...args, api.url('/paid')])).toMatchObject({ code: 2, stdout: '' })
    expect(await home.run(['fetch'])).toMatchObject({ code: 2 })
    expect(await home.run(['fetch', 'https://user:secret@api.example/'])).toMatchObject({ code: 2 })
    home.write('policy.yaml', 'perPayment: 0.1\nbudgts: []\n')
    const { code, stderr } = await home.run(['fetch', api.url('/paid')])
    expect(code).toBe(2)
    expect(stderr).toContain('line 2')
    expect(api.paid()).toEqual([])
  })

  it('3: refused by policy, with the line of the rule', async () => {
    const { code, stdout, stderr } = await home.run(['fetch', '-f', api.url('/price/0.40')])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^refused: .*0\.3 USD.*0\.4 USD/)
    expect(stderr).toContain(
      'Nothing was paid. Limit: vendors[0].perPayment in ~/.config/purser/policy.yaml (line 6)',
    )
    expect(api.paid()).toEqual([])
  })

  it('3: --max only lowers', async () => {
    expect(await home.run(['fetch', '--max', '0.005', api.url('/paid')])).toMatchObject({ code: 3 })
    expect(await home.run(['fetch', '--max', '9', api.url('/price/0.40')])).toMatchObject({ code: 3 })
    expect(await home.run(['fetch', '--max', '0.02', api.url('/paid')])).toMatchObject({ code: 0 })
    expect(api.paid()).toHaveLength(1)
  })

  it('3: a vendor that is not listed', async () => {
    home.write('policy.yaml', localPolicy(['https://other.example']))
    const { code, stdout, stderr } = await home.run(['fetch', api.url('/paid')])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr.trim().split('\n').at(-1)).toBe(`purser vendor add ${api.origin}`)
  })

  it('4: no answer, and nothing was sent', async () => {
    const gone = await freeServer()
    await gone.close()
    const { code, stderr } = await home.run(['fetch', gone.origin])
    expect(code).toBe(4)
    expect(stderr).toMatch(/did not answer: .*ECONNREFUSED.*\nNothing was paid/)
    expect(await home.run(['fetch', '-s', gone.origin])).toMatchObject({ code: 4, stderr: '' })
    expect(await home.run(['fetch', '--max-time', '0.2', `${free.origin}/slow`])).toMatchObject({ code: 4 })
  })

  it('5: waits for a person, without a terminal at once; a yes pays once', async () => {
    home.write('policy.yaml', localPolicy([api.origin], 'ask: [{ above: 0.005 }]'))
    const asked = await runChild('fetch', '--json', api.url('/paid'))
    expect(asked).toMatchObject({ code: 5, stdout: '' })
    const { outcome, next_step: next, approval } = JSON.parse(asked.stderr)
    expect({ outcome, next }).toEqual({ outcome: 'waits', next: `purser approve ${approval.id}` })
    expect(api.paid()).toEqual([])

    const listed = await home.run(['approvals'])
    expect(JSON.parse(listed.stdout)).toMatchObject({
      id: approval.id,
      price: { value: '0.01', currency: 'USD' },
    })
    const shown = await home.run(['approve', approval.id])
    expect(shown).toMatchObject({ code: 5, stdout: '' })
    expect(shown.stderr).toMatch(/pays +0\.01 USD/)
    expect(await home.run(['approve', approval.id.slice(-6), '--yes'])).toMatchObject({ code: 0 })
    expect(await runChild('fetch', api.url('/paid'))).toMatchObject({ code: 0 })
    expect(api.paid()).toHaveLength(1)

    const again = await runChild('fetch', api.url('/paid'))
    expect(again).toMatchObject({ code: 5, stdout: '' })
    expect(again.stderr.trim().split('\n').at(-1)).toMatch(/^next_step: purser approve /)
    const id = again.stderr.trim().split(' ').at(-1) ?? ''
    expect(await home.run(['deny', id, '--because', 'once is enough', '--yes'])).toMatchObject({ code: 0 })
    expect(await runChild('fetch', api.url('/paid'))).toMatchObject({ code: 3 })
    expect(api.paid()).toHaveLength(1)
  })

  it('5: an answer here does not count if the policy names keys', async () => {
    const by =
      '{ by: [{ name: ann, type: ed25519, publicKey: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo }] }'
    home.write('policy.yaml', localPolicy([api.origin], `ask: [{ above: 0.005 }]\napproval: ${by}`))
    const asked = await runChild('fetch', '--yes', '--json', api.url('/paid'))
    expect(asked.code).toBe(5)
    const { approval } = JSON.parse(asked.stderr)
    expect(await home.run(['approve', approval.id, '--yes'])).toMatchObject({ code: 2 })
    expect(await runChild('fetch', '--yes', api.url('/paid'))).toMatchObject({ code: 5 })
    expect(api.paid()).toEqual([])
  })

  it('5 becomes 0 with --yes, which answers only what policy asks', async () => {
    home.write('policy.yaml', localPolicy([api.origin], 'ask: [{ above: 0.005 }]'))
    expect(await home.run(['fetch', '--yes', api.url('/paid')])).toMatchObject({ code: 0 })
    expect(await home.run(['fetch', '--yes', api.url('/price/0.40')])).toMatchObject({ code: 3 })
    expect(api.paid()).toHaveLength(1)
  })

  it('asks on a terminal, and shows who, vendor, amount, payee, reason, rest and deadline', async () => {
    home.write('policy.yaml', localPolicy([api.origin], 'ask: [{ above: 0.005 }]'))
    const no = await home.run(['fetch', api.url('/external')], { keys: ['n'] })
    expect(no).toMatchObject({ code: 3, stdout: '' })
    for (const part of [
      /who +agent/,
      /pays +0\.01 USD \+ a fee of up to/,
      new RegExp(`to +${api.origin}`),
      /for +GET \/external/,
      /payees +0x/,
      /because .*0\.005 USD/,
      /afterwards +9\.\d+ USD left today/,
      /answer within/,
      /server's words +"one cup of tea" \(they prove nothing\)/,
    ])
      expect(no.stderr).toMatch(part)
    expect(api.paid()).toEqual([])
    const yes = await home.run(['fetch', api.url('/price/0.03')], { keys: ['y'] })
    expect(yes.stderr).toContain('paid 0.03 USD')
    expect(yes).toMatchObject({ code: 0 })
    expect(api.paid()).toHaveLength(1)
  })

  it('6: in doubt', async () => {
    // The server takes no credential, and asks for more.
    const front = await startFront(api.origin, ({ paid, forward }) =>
      paid ? globalThis.fetch(api.url('/price/0.02')) : forward(),
    )
    home.write('policy.yaml', localPolicy([front.origin]))
    const { code, stderr, facts } = await fetchJson(front.url('/paid'))
    await front.close()
    expect({ code, outcome: facts.outcome, funds: facts.funds, next: facts.next_step }).toEqual({
      code: 6,
      outcome: 'in_doubt',
      funds: 'unknown',
      next: 'purser recover',
    })
    expect(stderr).not.toContain(account.key.slice(2))
  })

  it('7: paid and not delivered', async () => {
    api.fail('drop-after-payment')
    const lost = await home.run(['fetch', api.url('/paid')])
    expect(lost.code).toBe(7)
    expect(lost.stderr.trim().split('\n').at(-1)).toMatch(/^purser payment /)
    api.fail('error-after-payment')
    const answered = await home.run(['fetch', api.url('/price/0.02')])
    expect(answered.code).toBe(7)
    expect(answered.stderr).toContain('The money was paid')
  })

  it('8: frozen', async () => {
    expect(await home.run(['freeze', 'a look'])).toMatchObject({ code: 0 })
    const { code, stderr } = await home.run(['fetch', api.url('/paid')])
    expect(code).toBe(8)
    expect(stderr).not.toContain('purser unfreeze')
    expect(await home.run(['unfreeze'])).toMatchObject({ code: 0 })
    expect(await home.run(['fetch', api.url('/paid')])).toMatchObject({ code: 0 })
  })

  it('22: an error of the server with -f, and no body', async () => {
    expect(await home.run(['fetch', '-f', `${free.origin}/missing`])).toMatchObject({ code: 22, stdout: '' })
    expect(await home.run(['fetch', `${free.origin}/missing`])).toMatchObject({
      code: 0,
      stdout: 'no such thing',
    })
  })
})

describe('--dry-run and quote', () => {
  it('print the price and the decision, and sign nothing', async () => {
    const before = await chain.balanceOf(alphaUSD, account.address)
    const dry = await home.run(['fetch', '--dry-run', '--text', api.url('/paid')])
    expect(dry.code).toBe(0)
    expect(dry.stdout).toMatch(/0\.01 USD +tempo\/charge +fee up to 0\.\d+ +allowed/)
    const { stdout } = await home.run(['quote', api.url('/price/0.40')])
    expect(JSON.parse(stdout)).toMatchObject({
      status: 402,
      offers: [{ price: { value: '0.4', currency: 'USD' }, decision: 'deny' }],
    })
    expect(api.paid()).toEqual([])
    expect(await chain.balanceOf(alphaUSD, account.address)).toBe(before)
    expect(existsSync(home.path('.config', 'purser', 'ledger.db'))).toBe(true)
  })

  it('send a POST only if that is wanted', async () => {
    expect(await home.run(['quote', '-d', 'a', api.url('/paid')])).toMatchObject({ code: 2 })
    expect(api.seen).toEqual([])
    expect(await home.run(['quote', '--send', '-d', 'a', api.url('/paid')])).toMatchObject({ code: 0 })
  })
})

describe('Ctrl-C', () => {
  /** Starts the command, and presses Ctrl-C when the server has reached a point. */
  async function stoppedAt(reached: Promise<void>, url: string) {
    const child = spawn(process.execPath, [command.file, 'fetch', url], {
      env: { HOME: home.folder, PATH: process.env['PATH'] ?? '' },
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    await reached
    child.kill('SIGINT')
    return { code: await ended, stderr }
  }

  it('before a payment: nothing was paid', async () => {
    let tell = (): void => undefined
    const asked = new Promise<void>((resolve) => {
      tell = resolve
    })
    const front = await startFront(api.origin, () => {
      tell()
      return new Promise<Response>(() => undefined)
    })
    home.write('policy.yaml', localPolicy([front.origin]))
    const { code, stderr } = await stoppedAt(asked, front.url('/paid'))
    await front.close()
    expect(stderr).toBe('purser: stopped by Ctrl-C.\nNothing was paid.\n')
    expect(code).toBe(1)
  })

  it('after the server took the money: says that it was paid', async () => {
    let tell = (): void => undefined
    const taken = new Promise<void>((resolve) => {
      tell = resolve
    })
    const front = await startFront(api.origin, async ({ paid, forward }) => {
      const reply = await forward()
      if (!paid) return reply
      tell()
      return new Promise<Response>(() => undefined)
    })
    home.write('policy.yaml', localPolicy([front.origin]))
    const { code, stderr } = await stoppedAt(taken, front.url('/paid'))
    await front.close()
    expect(stderr).toMatch(/Money may have moved|The money was paid/)
    expect([6, 7]).toContain(code)
    // Whatever it said, the ledger has the payment.
    const { stdout } = await home.run(['recover'])
    expect(JSON.parse(stdout)).toMatchObject({ released: 0 })
  })
})
